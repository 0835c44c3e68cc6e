import type { SystemUserId } from "@signstar/config/system-user";
import { type Uids, uidRange } from "@signstar/config/uids";
import type { DesiredUser } from "./desired.ts";
import { ConfigureBuildError } from "./errors.ts";
import type { Present } from "./present.ts";
import type { BuildRecord } from "./record.ts";

/**
 * The uid (and equal gid) of each user: the one of `uids.toml` where there is such a file; otherwise the one that the
 * user has, and for a new user a number above all that are or were in use. Throws ConfigureBuildError.
 */
export function allotUids(
  users: readonly DesiredUser[],
  present: Present,
  record: BuildRecord,
  listed: Uids | undefined,
): Uids {
  const allotted = new Map<SystemUserId, number>();
  for (const { name } of users) {
    const found = present.users.find((user) => user.name === name);
    if (found !== undefined && !record.users.has(name)) throw nameTaken("user", name);
    if (found === undefined && !record.users.has(name) && present.groups.some((group) => group.name === name)) {
      throw nameTaken("group", name);
    }
    if (found?.uid === 0) {
      throw new ConfigureBuildError("uid-taken", `user ${name} has the uid of root`, {
        hint: "nobody logs in as root: remove that user, then run again",
      });
    }
    const wanted = listed === undefined ? undefined : listedUid(name, listed);
    if (found !== undefined) {
      if (wanted !== undefined && wanted !== found.uid) {
        throw new ConfigureBuildError("uid-taken", `user ${name} has uid ${found.uid}, but uids.toml says ${wanted}`, {
          hint: `write ${name} = ${found.uid}: the files of the user belong to that number`,
        });
      }
      allotted.set(name, found.uid);
    } else {
      const uid = wanted ?? record.users.get(name) ?? nextUid(present, record, allotted);
      requireFree(name, uid, present);
      allotted.set(name, uid);
    }
  }
  return allotted;
}

function listedUid(name: SystemUserId, listed: Uids): number {
  const uid = listed.get(name);
  if (uid !== undefined) return uid;
  throw new ConfigureBuildError("uid-missing", `user ${name} is not in uids.toml`, {
    hint: "run signstar-configure-build --assign-uids where the config is kept",
  });
}

function nextUid(present: Present, record: BuildRecord, allotted: Uids): number {
  const used = [...present.users.map(({ uid }) => uid), ...present.groups.map(({ gid }) => gid)];
  const inRange = used.filter((id) => id <= uidRange.max);
  const next =
    Math.max(uidRange.min - 1, record.lastUid, ...inRange, ...record.users.values(), ...allotted.values()) + 1;
  if (next <= uidRange.max) return next;
  throw new ConfigureBuildError("uid-taken", `no uid up to ${uidRange.max} is left above those in use`, {
    hint: "give the users their numbers in a uids.toml beside the config",
  });
}

function requireFree(name: SystemUserId, uid: number, present: Present): void {
  const user = present.users.find((other) => other.uid === uid);
  // A group of the same name may be left of a run that was interrupted.
  const group = present.groups.find((other) => other.gid === uid && other.name !== name);
  const owner = user === undefined ? group && `group ${group.name}` : `user ${user.name}`;
  if (owner === undefined) return;
  throw new ConfigureBuildError("uid-taken", `uid ${uid} of ${name} belongs to ${owner}`, {
    hint: "give the user another number in uids.toml",
  });
}

function nameTaken(what: "user" | "group", name: SystemUserId): ConfigureBuildError {
  return new ConfigureBuildError("name-taken", `there is a ${what} ${name} that this program has not made`, {
    hint: "choose another system_user, or remove the existing one",
  });
}
