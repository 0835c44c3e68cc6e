import { effectiveUid } from "./caller.ts";
import { runProgram } from "./run-program.ts";

/** Whose rights a process has, and whose its files become. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const deadlineMs = 10_000;

/**
 * Runs a shell script with that uid, that gid and no other group, feeds it `input` and returns what it writes. Secrets
 * go through the pipes alone, never into `words`. Root does this to go into directories of others; everybody else stays
 * who they are. Throws HostError that says what went wrong.
 */
export function runAs(
  { uid, gid }: Owner,
  script: string,
  words: readonly string[],
  input?: Uint8Array,
): Promise<Uint8Array> {
  return runProgram("/bin/sh", ["-c", script, "sh", ...words], {
    input,
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    owner: effectiveUid() === 0 ? { uid, gid } : undefined,
    deadlineMs,
  });
}
