import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { lines } from "@signstar/command/lines";
import { messageOf } from "@signstar/primitives/failure";
import { AuditError } from "./errors.ts";
import { maxLineBytes } from "./line.ts";
import { programs } from "./programs.ts";

export interface Query {
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** From this entry on, that one included: so it shows whether it is still there. */
  readonly cursor?: string | undefined;
  /** Of another machine; undefined for this machine's own. */
  readonly directory?: string | undefined;
}

/**
 * What journalctl(1) prints of our programs' entries, line by line. It is a child, not a shell's; when nobody wants more
 * lines, it ends. Throws AuditError: no-journalctl, journalctl-failed.
 */
export async function* journalLines(query: Query): AsyncGenerator<Uint8Array> {
  const child = spawn("journalctl", argumentsOf(query), {
    // Messages in English, no pager, no colours, and nothing else of ours.
    env: { PATH: process.env["PATH"], LC_ALL: "C", SYSTEMD_COLORS: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = endOf(child);
  try {
    yield* lines(child.stdout, { bytes: maxLineBytes });
    const problem = await ended;
    if (problem !== undefined) throw problem;
  } finally {
    child.kill();
    await ended;
  }
}

function argumentsOf({ since, until, cursor, directory }: Query): readonly string[] {
  return [
    // Without --all a long field would be null.
    ...["--output=json", "--all", "--no-pager", "--quiet"],
    ...programs.map((program) => `--identifier=${program}`),
    ...(since === undefined ? [] : [`--since=@${Math.floor(since / 1000)}`]),
    ...(until === undefined ? [] : [`--until=@${Math.ceil(until / 1000)}`]),
    ...(cursor === undefined ? [] : [`--cursor=${cursor}`]),
    ...(directory === undefined ? [] : [`--directory=${directory}`]),
  ];
}

/** Never rejects: somebody may not be waiting yet. */
async function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<AuditError | undefined> {
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = `${words}${text}`.slice(-1000);
  });
  try {
    const [code, signal]: unknown[] = await once(child, "close");
    if (code === 0) return undefined;
    const last = words.trim().split("\n").at(-1);
    return new AuditError("journalctl-failed", `journalctl has ended with ${code ?? signal}: ${last}`);
  } catch (cause) {
    return new AuditError("no-journalctl", `journalctl cannot be started: ${messageOf(cause)}`, {
      hint: "name files that hold the journal: journalctl -o json --all >FILE elsewhere",
      cause,
    });
  }
}
