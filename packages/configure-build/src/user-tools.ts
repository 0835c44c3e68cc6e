/** The programs that make and change users (shadow, and systemd-sysusers where it is asked for). Arguments are lists: no shell ever sees them. */
import { ExecaError, execa } from "execa";
import type { DesiredUser } from "./desired.ts";
import { ConfigureBuildError } from "./errors.ts";
import { noPassword } from "./plan.ts";
import { sysusersLine } from "./sysusers.ts";

export interface Invocation {
  readonly program:
    | "/usr/sbin/groupadd"
    | "/usr/sbin/groupdel"
    | "/usr/sbin/groupmod"
    | "/usr/sbin/useradd"
    | "/usr/sbin/usermod"
    | "/usr/sbin/userdel"
    | "/usr/bin/systemd-sysusers";
  readonly args: readonly string[];
}

/** The group of the user, with the user's number. */
export function addGroup(root: string, name: string, gid: number): Invocation {
  return { program: "/usr/sbin/groupadd", args: [...prefix(root), "--gid", String(gid), name] };
}

export function changeGroup(root: string, name: string, gid: number): Invocation {
  return { program: "/usr/sbin/groupmod", args: [...prefix(root), "--gid", String(gid), name] };
}

/**
 * No home (tmpfiles.d makes it at boot, on `/var`), no subordinate ids (nothing is to run in namespaces as this user),
 * no entry in lastlog and faillog, whose size grows with the uid.
 */
export function addUser(root: string, user: DesiredUser, uid: number): Invocation {
  const args = [
    ...prefix(root),
    ...["--uid", String(uid), "--gid", user.name, "--home-dir", user.home, "--shell", user.shell],
    ...["--password", noPassword, "--no-create-home", "--no-log-init"],
    ...["--key", "SUB_UID_COUNT=0", "--key", "SUB_GID_COUNT=0"],
    user.name,
  ];
  return { program: "/usr/sbin/useradd", args };
}

/** As systemd-sysusers makes it at boot. */
export function addUserBySysusers(root: string, user: DesiredUser, uid: number): Invocation {
  const args = root === "/" ? [] : [`--root=${root}`];
  return { program: "/usr/bin/systemd-sysusers", args: [...args, "--inline", sysusersLine(user, uid)] };
}

/** Not the group unless it differs: below a prefix usermod looks for groups in the system it runs on. */
export function changeUser(root: string, user: DesiredUser, regroup = false): Invocation {
  const group = regroup ? ["--gid", user.name] : [];
  const args = [...group, "--home", user.home, "--shell", user.shell, "--password", noPassword, user.name];
  return { program: "/usr/sbin/usermod", args: [...prefix(root), ...args] };
}

/** The home stays: what is in it is not ours to delete. */
export function removeUser(root: string, name: string): Invocation {
  return { program: "/usr/sbin/userdel", args: [...prefix(root), name] };
}

/** Where login.defs does not let userdel do it. */
export function removeGroup(root: string, name: string): Invocation {
  return { program: "/usr/sbin/groupdel", args: [...prefix(root), name] };
}

/** How usermod and userdel end for a user that is logged in. */
const userBusy = 8;

/** Throws ConfigureBuildError (`tool-failed`). */
export async function runTool({ program, args }: Invocation): Promise<void> {
  try {
    await execa(program, args, { env: { PATH: "/usr/sbin:/usr/bin", LC_ALL: "C" }, extendEnv: false, stdin: "ignore" });
  } catch (cause) {
    if (!(cause instanceof ExecaError)) throw cause;
    const reason = [cause.code === "ENOENT" ? "there is no such program" : cause.stderr].join("").trim();
    throw new ConfigureBuildError(
      "tool-failed",
      `${[program, ...args].join(" ")} failed: ${reason || cause.shortMessage}`,
      { cause, hint: cause.exitCode === userBusy ? "end what the user is running, then run this again" : undefined },
    );
  }
}

/** Not `--root`: that would run with the libraries of a tree that may be of another architecture. */
function prefix(root: string): readonly string[] {
  return root === "/" ? [] : ["--prefix", root];
}
