/** Asks the person at the terminal; passphrases without echo. */
import { ReadStream } from "node:tty";
import type { Io } from "@signstar/command/io";
import type { Prompter } from "@signstar/nethsm-settings/credentials";
import { Secret } from "@signstar/primitives/secret";
import { CliError } from "./errors.ts";

/** Undefined when there is nobody: standard input is no terminal. */
export function prompterFor(io: Io): Prompter | undefined {
  const { stdin } = io;
  if (!(stdin instanceof ReadStream)) return undefined;
  return {
    userName: async (role) => {
      using name = await ask(io, stdin, `name of a user with the role ${role}: `, true);
      return name.use((bytes) => Buffer.from(bytes).toString());
    },
    passphrase: (what) => ask(io, stdin, `${what}: `, false),
  };
}

/** Asks twice for a passphrase that is to be set. Throws CliError. */
export async function newPassphrase(prompter: Prompter | undefined, what: string, option: string): Promise<Secret> {
  const first = await needPrompter(prompter, what, option).passphrase(what);
  using second = await needPrompter(prompter, what, option).passphrase(`${what} again`);
  if (first.equals(second)) return first;
  throw new CliError("passphrases-differ", `the two inputs of the ${what} differ`, { hint: "try again" });
}

export function needPrompter(prompter: Prompter | undefined, what: string, option: string): Prompter {
  if (prompter !== undefined) return prompter;
  throw new CliError("not-interactive", `the ${what} is not given and there is no terminal to ask for it`, {
    hint: `give its file with --${option}`,
  });
}

const enter = [0x0a, 0x0d];
const [interrupt, endOfInput, backspace, erase, killLine] = [0x03, 0x04, 0x08, 0x7f, 0x15];

/** One line, read byte by byte so that the terminal's own editing and echo are off. */
async function ask(io: Io, stdin: ReadStream, question: string, echo: boolean): Promise<Secret> {
  const typed: number[] = [];
  const show = () => io.status(`${question}${echo ? Buffer.from(typed).toString() : ""}`);
  if (!io.stderrIsTerminal) io.note(question);
  show();
  stdin.setRawMode(true);
  try {
    await new Promise<void>((resolve, reject) => {
      const take = (chunk: Uint8Array) => {
        for (const byte of chunk) {
          if (enter.includes(byte)) return done(resolve);
          if (byte === interrupt) return done(() => reject(cancelled()));
          if (byte === endOfInput && typed.length === 0) return done(() => reject(cancelled()));
          if (byte === backspace || byte === erase) typed.length = withoutLast(typed);
          else if (byte === killLine) typed.length = 0;
          else if (byte >= 0x20) typed.push(byte);
        }
        if (echo) show();
      };
      const ended = () => done(() => reject(cancelled()));
      const done = (settle: () => void) => {
        stdin.off("data", take).off("end", ended).pause();
        settle();
      };
      stdin.on("data", take).on("end", ended).resume();
    });
    return Secret.take(Uint8Array.from(typed));
  } finally {
    typed.fill(0);
    stdin.setRawMode(false);
    io.status("");
  }
}

/** The length without the last character, which is several bytes in UTF-8. */
function withoutLast(typed: readonly number[]): number {
  let end = typed.length - 1;
  while (end > 0 && ((typed[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return Math.max(end, 0);
}

function cancelled(): CliError {
  return new CliError("not-interactive", "the question was not answered");
}
