import { parseArgs } from "node:util";
import { Exit, Failure, messageOf } from "@signstar/primitives/failure";
import { CommandError, usageError } from "./errors.ts";
import { helpOption, helpText, versionOption } from "./help.ts";
import type { Io } from "./io.ts";
import { type Given, resolveOptions } from "./options.ts";
import { errorLines, type Report, reportOf } from "./report.ts";
import type { Command, Invocation, Option, Options } from "./spec.ts";
import { supervise } from "./supervise.ts";
import { version } from "./version.ts";

/** How a session ended, for the journal: everything that the client does not see. */
export interface Ending {
  readonly exit: Exit;
  /** What was thrown, with its cause; undefined if all went well. */
  readonly failure: unknown;
  /** What the client is shown with exit 70, to find this entry by. */
  readonly correlationId: string | undefined;
}

/** A word as it is, or a pattern that the whole word must match. */
export type Word = string | RegExp;

/** An executable behind ForceCommand: its command line is the administrator's, its words are the client's. */
export interface ForcedCommand extends Omit<Command, "run" | "commands"> {
  /** Every sequence of words that a client may send; the empty one is a session without a command. */
  readonly accepts: readonly (readonly Word[])[];
  /** Called with the options before the client's words are looked at, so that a refusal can be recorded too. */
  begin(options: Options): ForcedSession;
}

export interface ForcedSession {
  /** As that of a Command. */
  run(invocation: Invocation): Promise<Exit | undefined> | Promise<void>;
  /** Called once, before the client learns of a failure and after it has the payload. What it throws is dropped. */
  ended?(ending: Ending): Promise<void>;
}

/**
 * Runs this process as `program` behind sshd's ForceCommand. Options come from argv, which a client cannot reach; the
 * client's words come in SSH_ORIGINAL_COMMAND and must be on the closed list (else 64). The client sees messages that
 * are marked safe for it, otherwise one fixed sentence per exit code.
 */
export async function runForced(program: ForcedCommand): Promise<void> {
  // A warning of the runtime would land on the client's screen.
  process.removeAllListeners("warning");
  // As a failure like others it is recorded and has an exit code; ssh would report a death by signal as 255.
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      throw new CommandError("stopped", "the service was stopped", { hint: "try again later" });
    });
  }
  const { SSH_ORIGINAL_COMMAND: sent = "", SSH_CONNECTION: client } = process.env;
  let session: ForcedSession | undefined;
  await supervise(program.name, {
    body: (io) =>
      runForcedWith(program, process.argv.slice(2), sent, io, (begun) => {
        session = begun;
      }),
    describe: async (thrown) => {
      if (session === undefined && client !== undefined && thrown instanceof CommandError) {
        // Its own options are wrong. Words of the administrator's are in the message: not for a client.
        return {
          exit: Exit.config,
          lines: errorLines(program.name, { message: sentences[Exit.config], hint: undefined }),
        };
      }
      const report = reportOf(thrown);
      await tell(session, { exit: report.exit, failure: thrown, correlationId: report.correlationId });
      return { exit: report.exit, lines: errorLines(program.name, clientReport(thrown, report)) };
    },
    done: (exit) => tell(session, { exit, failure: undefined, correlationId: undefined }),
  });
}

/** The same with its input as arguments. */
export async function runForcedWith(
  program: ForcedCommand,
  argv: readonly string[],
  sent: string,
  io: Io,
  begun: (session: ForcedSession) => void = () => undefined,
): Promise<Exit> {
  const given = parse(program, argv);
  if (given.has(helpOption.name) || given.has(versionOption.name)) {
    io.write(given.has(helpOption.name) ? helpText([program]) : `${program.name} ${version}\n`);
    return Exit.ok;
  }
  const options = resolveOptions(program.options ?? [], given);
  const session = program.begin(options);
  begun(session);
  const args = acceptedWords(program, sent);
  return (await session.run({ options, args, io })) ?? Exit.ok;
}

/** What the client is shown. */
export function clientReport(thrown: unknown, report: Report): Pick<Report, "message" | "hint"> {
  if (report.correlationId !== undefined) return report;
  if (thrown instanceof Failure && thrown.clientSafe) return report;
  return { message: sentences[report.exit], hint: undefined };
}

const sentences: Record<Exit, string> = {
  [Exit.ok]: "done",
  [Exit.no]: "the answer is no",
  [Exit.changes]: "changes are pending",
  [Exit.usage]: "this is not a command of this account",
  [Exit.data]: "the input is not acceptable",
  [Exit.noInput]: "the input is missing",
  [Exit.noUser]: "this account has no task on this host",
  [Exit.unavailable]: "the service is not available",
  [Exit.software]: "internal error",
  [Exit.cantCreate]: "the output cannot be created",
  [Exit.io]: "input or output failed",
  [Exit.tempFail]: "the service is not ready, try again later",
  [Exit.protocol]: "the service could not make a valid answer",
  [Exit.noPerm]: "this is not allowed",
  [Exit.config]: "the service is not set up correctly",
};

function parse(program: ForcedCommand, argv: readonly string[]): Given {
  const specs = [...(program.options ?? []), helpOption, versionOption];
  const given = new Map<string, string[]>();
  try {
    const { tokens } = parseArgs({
      args: [...argv],
      options: Object.fromEntries(specs.map((spec) => [spec.name, parserOption(spec)])),
      strict: true,
      allowPositionals: false,
      tokens: true,
    });
    for (const token of tokens) {
      if (token.kind !== "option") continue;
      given.set(token.name, [...(given.get(token.name) ?? []), ...(token.value === undefined ? [] : [token.value])]);
    }
  } catch (cause) {
    throw usageError(`the program's own options are wrong: ${messageOf(cause)}`, `see ${program.name} --help`);
  }
  return given;
}

function parserOption({ short, value }: Option): { type: "string" | "boolean"; multiple: boolean; short?: string } {
  return {
    type: value === undefined ? "boolean" : "string",
    multiple: true,
    ...(short === undefined ? {} : { short }),
  };
}

/** What a client may ever send, as one line; the longest word of any program is a SHA-256 or an id. */
const maxSent = 1024;

function acceptedWords(program: ForcedCommand, sent: string): readonly string[] {
  const words = sent.split(" ").filter((word) => word !== "");
  const accepted = program.accepts.some(
    (form) => form.length === words.length && form.every((word, i) => matches(word, words[i] ?? "")),
  );
  if (accepted && sent.length <= maxSent) return words;
  const shown = sent.length <= 80 ? sent : `${sent.slice(0, 80)}…`;
  throw new CommandError("forbidden-words", `the command '${shown}' is not one of this account`, {
    hint: acceptsHint(program),
  });
}

function matches(word: Word, sent: string): boolean {
  if (typeof word === "string") return word === sent;
  const found = sent.match(word);
  return found !== null && found[0] === sent;
}

function acceptsHint({ accepts, arguments: names }: ForcedCommand): string {
  const forms = accepts.map((form) => {
    if (form.length === 0) return "no command at all";
    return form.map((word, i) => (typeof word === "string" ? word : (names?.[i]?.name ?? "WORD"))).join(" ");
  });
  return `accepted: ${forms.join(", ")}`;
}

/** The journal must not keep the client waiting, nor change how its session ended. */
async function tell(session: ForcedSession | undefined, ending: Ending): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 2000);
  });
  await Promise.race([session?.ended?.(ending).catch(() => undefined), patience]);
  clearTimeout(timer);
}
