import { spawn } from "node:child_process";
import { concat } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { HostError, systemCode } from "./errors.ts";

export interface ProgramOptions {
  /** For its standard input; secrets go this way, never into arguments. */
  readonly input?: Uint8Array | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whose rights it has, if not the caller's; without any other group. Only root can do this. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly deadlineMs: number;
}

/**
 * What a program writes to its standard output, in an array that the caller wipes if it is secret. Throws HostError:
 * program-missing (78), program-failed (74) with the first of what it has complained about.
 */
export function runProgram(program: string, words: readonly string[], options: ProgramOptions): Promise<Uint8Array> {
  const { input = new Uint8Array(0), env, owner, deadlineMs } = options;
  // Setting uid and gid also drops all other groups.
  const child = spawn(program, words, { ...owner, cwd: "/", env, stdio: "pipe", timeout: deadlineMs });
  const chunks: Uint8Array[] = [];
  let complaint = "";
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < 1000) complaint += chunk.toString("utf8");
  });
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      const code = systemCode(cause) === "ENOENT" ? "program-missing" : "program-failed";
      reject(new HostError(code, `${program} cannot be run: ${messageOf(cause)}`, { cause }));
    });
    child.once("close", (exit, signal) => {
      const output = concat(...chunks);
      for (const chunk of chunks) chunk.fill(0);
      if (exit === 0) resolve(output);
      else reject(new HostError("program-failed", complaint.trim() || `${program} ended with ${exit ?? signal}`));
    });
    // A child that gives up early says so with its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
