/** From a few lines of table to a command: settings, credentials, connection, output. */
import type { Io } from "@signstar/command/io";
import type { Argument, Command, Example, Invocation, Option, Options } from "@signstar/command/spec";
import { NetHsm } from "@signstar/nethsm/client";
import type { Role } from "@signstar/nethsm/types";
import { chooseCredentials } from "@signstar/nethsm-settings/credentials";
import { defaultSettingsPath, loadSettings, readPassphraseFile } from "@signstar/nethsm-settings/load";
import { type DeviceSettings, deviceOf, type Settings } from "@signstar/nethsm-settings/model";
import { Exit } from "@signstar/primitives/failure";
import type { Secret } from "@signstar/primitives/secret";
import type { Answer } from "./answer.ts";
import { requireOutput, writeOutput } from "./output.ts";
import { needPrompter, newPassphrase, prompterFor } from "./prompt.ts";
import { Words } from "./words.ts";

/** Where the answer goes: `-o FILE`, `-f`. */
export interface Output {
  /** Environment variable of the file's name. */
  readonly env: string;
  /** Bytes that would upset a terminal. */
  readonly binary?: boolean;
}

export interface Task {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly examples?: readonly Example[];
  readonly output?: Output;
}

export interface DeviceTask extends Task {
  /** Who may ask; absent: anybody. */
  readonly roles?: readonly Role[];
  run(work: Work, hsm: NetHsm): Promise<Answer | undefined> | Promise<void>;
}

export interface LocalTask extends Task {
  run(work: Work): Promise<Answer | undefined> | Promise<void>;
}

/** A command that asks a device. */
export function deviceTask(task: DeviceTask): Command {
  const { roles } = task;
  const who = roles === undefined ? "No user is needed." : `Asks as a user with the role ${roles.join(" or ")}.`;
  return localTask({
    ...task,
    description: task.description === undefined ? who : `${task.description}\n\n${who}`,
    run: async (work) => {
      const hsm = roles === undefined ? await work.anonymous() : await work.as(roles);
      return (await task.run(work, hsm)) ?? undefined;
    },
  });
}

/** A command that needs no device, or finds its own way to one. */
export function localTask(task: LocalTask): Command {
  const { name, summary, output } = task;
  return {
    name,
    summary,
    ...(task.description !== undefined && { description: task.description }),
    ...(task.arguments !== undefined && { arguments: task.arguments }),
    ...(task.examples !== undefined && { examples: task.examples }),
    options: [...(task.options ?? []), ...(output === undefined ? [] : outputOptions(output.env))],
    run: async (invocation) => {
      const { io, options } = invocation;
      const json = options.flag("json");
      const file = output === undefined ? undefined : options.text("output");
      const target = {
        file,
        force: file !== undefined && options.flag("force"),
        binary: output?.binary === true,
        json,
      };
      requireOutput(target, io);
      using work = new Work(invocation, task.arguments ?? []);
      const answer = (await task.run(work)) ?? undefined;
      if (answer === undefined) return Exit.ok;
      await writeOutput(answer, target, io);
      return answer.exit ?? Exit.ok;
    },
  };
}

export const forceOption: Option = {
  name: "force",
  short: "f",
  description: "overwrite the output file",
  env: "NETHSM_FORCE",
};

function outputOptions(env: string): readonly Option[] {
  const description = "write to this file instead of standard output (-)";
  return [{ name: "output", short: "o", value: "FILE", description, env }, forceOption];
}

/** What a running command works with. */
export class Work implements Disposable {
  readonly io: Io;
  readonly options: Options;
  readonly words: Words;
  #loaded: Promise<Settings> | undefined;
  #base: NetHsm | undefined;

  constructor({ io, options, args }: Invocation, specs: readonly Argument[]) {
    this.io = io;
    this.options = options;
    this.words = new Words(specs, args, process.env);
  }

  get settingsPath(): string {
    return this.options.text("config") ?? defaultSettingsPath(process.env);
  }

  /** Read once; what its owner should know of the file is said on the way. */
  settings(): Promise<Settings> {
    this.#loaded ??= loadSettings(this.settingsPath).then(({ settings, warnings }) => {
      for (const warning of warnings) this.io.note(`warning: ${warning}`);
      return settings;
    });
    return this.#loaded;
  }

  async device(): Promise<DeviceSettings> {
    return deviceOf(await this.settings(), this.options.text("label"));
  }

  /** The device, asked as nobody. */
  async anonymous(): Promise<NetHsm> {
    this.#base ??= new NetHsm((await this.device()).connection);
    return this.#base;
  }

  /** The device, asked as a user with one of the roles. */
  async as(roles: readonly Role[]): Promise<NetHsm> {
    const { io, options } = this;
    const credentials = await chooseCredentials(await this.device(), {
      roles,
      users: options.list("user"),
      passphraseFiles: options.list("auth-passphrase-file"),
      get prompter() {
        return prompterFor(io);
      },
      env: process.env,
    });
    return (await this.anonymous()).as(credentials);
  }

  /** A passphrase that exists: from the option's file, else from a person. */
  async passphrase(option: string, what: string): Promise<Secret> {
    const file = this.options.text(option);
    if (file !== undefined) return await readPassphraseFile(file);
    return await needPrompter(prompterFor(this.io), what, option).passphrase(what);
  }

  /** A passphrase that is to be set; a person is asked twice. */
  async newPassphrase(option: string, what: string): Promise<Secret> {
    const file = this.options.text(option);
    if (file !== undefined) return await readPassphraseFile(file);
    return await newPassphrase(prompterFor(this.io), what, option);
  }

  [Symbol.dispose](): void {
    this.#base?.close();
  }
}

export function passphraseOption(name: string, short: string, env: string, what: string): Option {
  return { name, short, value: "FILE", description: `file with the ${what}; else it is asked for`, env };
}
