import { spawn } from "node:child_process";
import { concat } from "@signstar/primitives/bytes";
import { effectiveUid } from "./caller.ts";

/** Whose rights a process has, and whose its files become. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const deadlineMs = 10_000;

/**
 * Runs a shell script with that uid, that gid and no other group, feeds it `input` and returns what it writes. Secrets
 * go through the pipes alone, never into `words`. Root does this to go into directories of others; everybody else stays
 * who they are. Throws an Error that says what went wrong.
 */
export function runAs(
  owner: Owner,
  script: string,
  words: readonly string[],
  input: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  const child = spawn("/bin/sh", ["-c", script, "sh", ...words], {
    // Only root can become someone else; setting uid and gid also drops all other groups.
    ...(effectiveUid() === 0 ? { uid: owner.uid, gid: owner.gid } : {}),
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    stdio: "pipe",
    timeout: deadlineMs,
  });
  const chunks: Uint8Array[] = [];
  let complaint = "";
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < 1000) complaint += chunk.toString("utf8");
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const output = concat(...chunks);
      for (const chunk of chunks) chunk.fill(0);
      if (code === 0) resolve(output);
      else reject(new Error(complaint.trim() || `the shell ended with ${code ?? signal}`));
    });
    // A child that gives up early says so with its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
