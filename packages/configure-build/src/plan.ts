/** From what should be and what is to what is to be done. Pure. */
import type { SystemUserId } from "@signstar/config/system-user";
import type { Uids } from "@signstar/config/uids";
import { allotUids } from "./allot-uids.ts";
import type { Desired, DesiredFile, DesiredUser } from "./desired.ts";
import type { Present, PresentFile } from "./present.ts";
import { type BuildRecord, emptyRecord } from "./record.ts";
import { isAuthorizedKeysPath } from "./sshd-drop-in.ts";
import { sysusersFile } from "./sysusers.ts";

/** What the group of a user needs before the user can have it. */
export type GroupStep = "none" | "make" | "renumber";

export type Action =
  | {
      readonly kind: "add-user";
      readonly user: DesiredUser;
      /** Also the gid of its group. */
      readonly uid: number;
      readonly group: GroupStep;
    }
  | {
      readonly kind: "change-user";
      readonly user: DesiredUser;
      readonly uid: number;
      readonly group: GroupStep;
      /** Whether it is in another group. */
      readonly regroup: boolean;
      readonly what: readonly string[];
    }
  /** With its group, which alone may be left of a removal that was interrupted. */
  | { readonly kind: "remove-user"; readonly name: SystemUserId; readonly userExists: boolean }
  | { readonly kind: "write-file"; readonly file: DesiredFile; readonly before: PresentFile | undefined }
  | { readonly kind: "remove-file"; readonly path: string };

type FileAction = Extract<Action, { readonly kind: "write-file" | "remove-file" }>;

export interface Plan {
  /**
   * In an order in which a key never works without its restrictions, and keys that are withdrawn go before anything
   * that can fail: no user is removed while it is logged in.
   */
  readonly actions: readonly Action[];
  /** Written before the first action: whatever may exist by the end. */
  readonly recordDuring: BuildRecord;
  readonly recordAfter: BuildRecord;
}

export interface PlanOptions {
  readonly owner: { readonly uid: number; readonly gid: number };
  /** False in a tree of the caller's own: then no user is made, changed or removed. */
  readonly manageUsers: boolean;
  readonly uids: Uids | undefined;
  /** Whether the users also stand in sysusers.d. */
  readonly sysusers?: boolean;
}

/** `*` is no password's hash, and unlike `!` it does not mark the account as locked, which sshd would refuse. */
export const noPassword = "*";

/** Throws ConfigureBuildError where a name or number belongs to somebody else, or `uids.toml` misses a user. */
export function plan(desired: Desired, present: Present, options: PlanOptions): Plan {
  const before = present.record ?? emptyRecord;
  const users = options.manageUsers ? desired.users : [];
  const uids = allotUids(users, present, before, options.uids);
  const lastUid = Math.max(before.lastUid, ...uids.values());
  const sysusers = options.manageUsers && options.sysusers === true ? [sysusersFile(users, uids)] : [];
  const wanted = [...desired.files, ...sysusers];
  const files = wanted.map(({ path }) => path);
  const removals = before.files
    .filter((path) => !files.includes(path) && present.files.has(path))
    .map((path): FileAction => ({ kind: "remove-file", path }));
  const writes = wanted.flatMap((file) => fileActions(file, present.files.get(file.path), options.owner));
  return {
    actions: [
      ...[...removals, ...writes].filter(withdrawsKeys),
      ...(options.manageUsers ? removedUsers(before, uids, present) : []),
      ...users.flatMap((user) => userActions(user, present, uids)),
      ...[...removals, ...writes].filter((action) => !withdrawsKeys(action)),
    ],
    recordDuring: {
      users: new Map([...before.users, ...uids]),
      files: [...new Set([...before.files, ...files])].sort(),
      lastUid,
    },
    recordAfter: { users: options.manageUsers ? uids : before.users, files: [...files].sort(), lastUid },
  };
}

/** A file of keys has no effect but through a drop-in, so it may change at any time. */
function withdrawsKeys(action: FileAction): boolean {
  if (action.kind === "remove-file") return isAuthorizedKeysPath(action.path);
  return action.before !== undefined && isAuthorizedKeysPath(action.file.path);
}

function removedUsers(before: BuildRecord, uids: Uids, present: Present): readonly Action[] {
  return [...before.users]
    .filter(([name]) => !uids.has(name))
    .flatMap(([name, uid]): readonly Action[] => {
      const userExists = present.users.some((user) => user.name === name);
      const hasGroup = present.groups.some((group) => group.name === name && group.gid === uid);
      return userExists || hasGroup ? [{ kind: "remove-user", name, userExists }] : [];
    });
}

function userActions(user: DesiredUser, present: Present, uids: Uids): readonly Action[] {
  const found = present.users.find(({ name }) => name === user.name);
  const uid = uids.get(user.name);
  if (uid === undefined) throw new TypeError(`no uid was allotted to ${user.name}`);
  const group = groupStep(user, uid, present);
  if (found === undefined) return [{ kind: "add-user", user, uid, group }];
  // A group that gets its number back takes its users with it.
  const groupNow = present.groups.find(({ name }) => name === user.name)?.gid;
  const regroup = found.gid !== uid && found.gid !== groupNow;
  const what = [
    ...(group === "none" && found.gid === uid ? [] : [`group ${found.gid} → ${uid}`]),
    ...(found.home === user.home ? [] : [`home ${found.home} → ${user.home}`]),
    ...(found.shell === user.shell ? [] : [`shell ${found.shell} → ${user.shell}`]),
    ...(found.password === noPassword ? [] : ["password removed"]),
  ];
  return what.length === 0 ? [] : [{ kind: "change-user", user, uid, group, regroup, what }];
}

function groupStep({ name }: DesiredUser, uid: number, present: Present): GroupStep {
  const found = present.groups.find((group) => group.name === name);
  if (found === undefined) return "make";
  return found.gid === uid ? "none" : "renumber";
}

function fileActions(
  file: DesiredFile,
  before: PresentFile | undefined,
  owner: PlanOptions["owner"],
): readonly FileAction[] {
  const same =
    before?.content === file.content &&
    before.mode === file.mode &&
    before.uid === owner.uid &&
    before.gid === owner.gid;
  return same ? [] : [{ kind: "write-file", file, before }];
}
