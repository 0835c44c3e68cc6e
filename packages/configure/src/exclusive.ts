import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { dirname } from "node:path";
import { makeDirectory } from "@signstar/host/atomic-file";
import { messageOf } from "@signstar/primitives/failure";
import { ConfigureError } from "./errors.ts";

/**
 * Does `work` while no other process holds the lock at `path`. A child holds it (flock(1)) for as long as our end of
 * its standard input is open, so it is free again whichever way this process ends.
 * Throws ConfigureError: running (exit 75), io; HostError.
 */
export async function exclusively<T>(path: string, work: () => Promise<T>): Promise<T> {
  const release = await acquire(path);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** What flock is to end with if someone else has the lock. */
const taken = 75;

function acquire(path: string): Promise<() => Promise<void>> {
  makeDirectory(dirname(path), 0o755);
  try {
    // Who can open the file can lock it: nobody else shall.
    closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
  } catch (cause) {
    throw new ConfigureError("io", `${path} cannot be locked: ${messageOf(cause)}`, { cause });
  }
  const holder = ["sh", "-c", "echo; exec cat >/dev/null"];
  const child = spawn("flock", ["--nonblock", "--conflict-exit-code", String(taken), path, ...holder], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdin.on("error", () => undefined);
  return new Promise((resolve, reject) => {
    child.stdout.once("data", () =>
      resolve(() => {
        child.stdin.end();
        return ended;
      }),
    );
    child.once("error", (cause) => {
      reject(new ConfigureError("io", `${path} cannot be locked: ${cause.message}`, { cause }));
    });
    child.once("close", (code) => {
      reject(
        code === taken
          ? new ConfigureError("running", "another signstar-configure is at work", {
              hint: "run it again when that is done",
            })
          : new ConfigureError("io", `${path} cannot be locked: flock ended with ${code}`),
      );
    });
  });
}
