import { existsSync, readFileSync, statSync } from "node:fs";
import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";
import { type PasswdEntry, parsePasswd } from "./passwd.ts";
import { pathsUnder } from "./paths.ts";

export type Caller = Omit<PasswdEntry, "shell">;

/**
 * Who runs this process, by the kernel's word: the effective uid, looked up in passwd below `root` or, where there is
 * none, in the system's. Throws HostError: root-refused (77), no-such-uid (67), ambiguous-uid, passwd-unreadable (78).
 */
export function currentUser({ root = "/" }: { root?: string | undefined } = {}): Caller {
  const uid = effectiveUid();
  if (uid === 0) throw new HostError("root-refused", "this program does not run as root");
  const below = pathsUnder(root).passwd;
  const passwd = existsSync(below) ? below : "/etc/passwd";
  return userOf(uid, readPasswd(passwd), passwd);
}

/** The one user with this uid. Two names would be two roles: that is refused. */
export function userOf(uid: number, text: string, passwd: string): Caller {
  const [user, other] = parsePasswd(text).filter((entry) => entry.uid === uid);
  if (user === undefined) throw new HostError("no-such-uid", `uid ${uid} is not in ${passwd}`);
  if (other !== undefined) {
    throw new HostError("ambiguous-uid", `uid ${uid} is both ${user.name} and ${other.name} in ${passwd}`, {
      hint: "give each user a uid of its own",
    });
  }
  const { name, gid, home } = user;
  return { name, uid, gid, home };
}

/** The uid whose rights this process has. */
export function effectiveUid(): number {
  const uid = process.geteuid?.();
  if (uid === undefined) throw new TypeError("this system has no user ids");
  return uid;
}

/** Whether `root` is a directory of the caller's own, below which files of the caller stand in for those of root. */
export function callerOwns(root: string): boolean {
  const uid = effectiveUid();
  const stats = statSync(root, { throwIfNoEntry: false });
  return uid !== 0 && stats?.isDirectory() === true && stats.uid === uid;
}

/** The owners that root's files below `root` may have: root, or the caller where the whole tree is the caller's. */
export function trustedOwners(root: string): readonly number[] {
  return callerOwns(root) ? [0, effectiveUid()] : [0];
}

function readPasswd(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HostError("passwd-unreadable", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
