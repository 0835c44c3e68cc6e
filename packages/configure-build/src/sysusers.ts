/** Users as sysusers.d(5) lines: for a system whose `/etc` can be made anew at boot. */
import type { Uids } from "@signstar/config/uids";
import type { DesiredFile, DesiredUser } from "./desired.ts";

export const sysusersPath = "/usr/lib/sysusers.d/signstar.conf";

export function sysusersFile(users: readonly DesiredUser[], uids: Uids): DesiredFile {
  const lines = users.flatMap((user) => {
    const uid = uids.get(user.name);
    if (uid === undefined) throw new TypeError(`no uid was allotted to ${user.name}`);
    return [`g ${user.name} ${uid}`, sysusersLine(user, uid)];
  });
  return { path: sysusersPath, content: lines.map((line) => `${line}\n`).join(""), mode: 0o644 };
}

/** The group of the same number has to be there. */
export function sysusersLine(user: DesiredUser, uid: number): string {
  return `u ${user.name} ${uid}:${uid} - ${user.home} ${user.shell}`;
}
