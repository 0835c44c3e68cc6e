import type { Io } from "@signstar/command/io";
import { requireWritable, writeFileAtomic, writeThrough } from "@signstar/nethsm-settings/write-file";
import { toUtf8 } from "@signstar/primitives/bytes";
import type { Answer } from "./answer.ts";
import { CliError } from "./errors.ts";

export interface Target {
  readonly file: string | undefined;
  readonly force: boolean;
  readonly binary: boolean;
  readonly json: boolean;
}

/** Undefined: standard output. */
function fileOf({ file }: Target): string | undefined {
  return file === "-" || file === "/dev/stdout" ? undefined : file;
}

/** Refuses before the device is asked what could not be written afterwards. */
export function requireOutput(target: Target, io: Io): void {
  const file = fileOf(target);
  if (file !== undefined) requireWritable(file, target.force);
  if (file !== undefined || !target.binary || target.json || !io.stdoutIsTerminal) return;
  throw new CliError("terminal-output", "the answer is binary and would go to the terminal", {
    hint: "use --output FILE, --json, or a pipe",
  });
}

/** The payload into the file, or to standard output: as JSON with --json. */
export async function writeOutput(answer: Answer, target: Target, io: Io): Promise<void> {
  const file = fileOf(target);
  if (file === undefined) {
    const terminal = io.stdoutIsTerminal;
    const colour = terminal && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
    io.write(target.json ? `${JSON.stringify(answer.json)}\n` : answer.payload({ terminal, colour }));
    return;
  }
  const payload = answer.payload({ terminal: false, colour: false });
  const bytes = typeof payload === "string" ? toUtf8(payload) : payload;
  if (target.force && (await writeThrough(file, bytes))) return;
  await writeFileAtomic(file, bytes, { force: target.force });
}
