/** Which settings the target's sshd knows. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { SshdFeatures } from "./sshd-drop-in.ts";
import type { Target } from "./target.ts";

const sshd = "/usr/sbin/sshd";

/** The version as `major.minor`; undefined if the target's sshd is not there or cannot be run by us. */
export async function sshdVersion(target: Target): Promise<string | undefined> {
  const inTree = target.root !== "/";
  if (inTree && !target.privileged) return undefined;
  try {
    accessSync(join(target.root, sshd), constants.X_OK);
  } catch {
    return undefined;
  }
  const [program, ...args] = inTree ? ["/usr/sbin/chroot", target.root, sshd, "-V"] : [sshd, "-V"];
  // Before 9.2 there was no -V: it complains, and tells the version on the way.
  const { stdout, stderr } = await execa(program, args, { reject: false, stdin: "ignore", timeout: 5000 });
  return parseVersion(`${stdout}\n${stderr}`);
}

export function parseVersion(text: string): string | undefined {
  return /\bOpenSSH_([0-9]+\.[0-9]+)/.exec(text)?.[1];
}

/** Undefined is taken for current. */
export function featuresOf(version: string | undefined): SshdFeatures {
  const [major = 0, minor = 0] = (version ?? "99.0").split(".").map(Number);
  return { timeouts: major > 9 || (major === 9 && minor >= 2) };
}
