/** From what should be and what is to what is to be done. Pure. */
import type { SystemUserId } from "@signstar/config/system-user";
import type { Uids } from "@signstar/config/uids";
import { allotUids } from "./allot-uids.ts";
import type { Desired, DesiredFile, DesiredUser } from "./desired.ts";
import { type BuildRecord, emptyRecord } from "./record.ts";

/** A file as it is; `content` is undefined for what is no regular file. */
export interface PresentFile {
  readonly content: string | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface PresentUser {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
  /** The field in shadow. */
  readonly password: string | undefined;
}

export interface Present {
  readonly record: BuildRecord | undefined;
  /** All users and groups of the target. */
  readonly users: readonly PresentUser[];
  readonly groups: readonly { readonly name: string; readonly gid: number }[];
  /** Those of the desired and recorded files that exist, by path. */
  readonly files: ReadonlyMap<string, PresentFile>;
}

export type Action =
  | {
      readonly kind: "add-user";
      readonly user: DesiredUser;
      /** Also the gid of its group. */
      readonly uid: number;
      readonly groupExists: boolean;
    }
  | { readonly kind: "change-user"; readonly user: DesiredUser; readonly what: readonly string[] }
  | { readonly kind: "remove-user"; readonly name: SystemUserId }
  | { readonly kind: "write-file"; readonly file: DesiredFile; readonly before: PresentFile | undefined }
  | { readonly kind: "remove-file"; readonly path: string };

export interface Plan {
  /** In an order in which a key never works without its restrictions. */
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
}

/** `*` is no password's hash, and unlike `!` it does not mark the account as locked, which sshd would refuse. */
export const noPassword = "*";

/** Throws ConfigureBuildError where a name or number belongs to somebody else, or `uids.toml` misses a user. */
export function plan(desired: Desired, present: Present, options: PlanOptions): Plan {
  const before = present.record ?? emptyRecord;
  const users = options.manageUsers ? desired.users : [];
  const uids = allotUids(users, present, before, options.uids);
  const lastUid = Math.max(before.lastUid, ...uids.values());
  const files = desired.files.map(({ path }) => path);
  return {
    actions: [
      ...(options.manageUsers ? removedUsers(before, uids, present) : []),
      ...users.flatMap((user) => userActions(user, present, uids)),
      ...before.files
        .filter((path) => !files.includes(path) && present.files.has(path))
        .map((path): Action => ({ kind: "remove-file", path })),
      ...desired.files.flatMap((file) => fileActions(file, present.files.get(file.path), options.owner)),
    ],
    recordDuring: {
      users: new Map([...before.users, ...uids]),
      files: [...new Set([...before.files, ...files])].sort(),
      lastUid,
    },
    recordAfter: { users: options.manageUsers ? uids : before.users, files: [...files].sort(), lastUid },
  };
}

function removedUsers(before: BuildRecord, uids: Uids, present: Present): readonly Action[] {
  return [...before.users.keys()]
    .filter((name) => !uids.has(name) && present.users.some((user) => user.name === name))
    .map((name) => ({ kind: "remove-user", name }));
}

function userActions(user: DesiredUser, present: Present, uids: Uids): readonly Action[] {
  const found = present.users.find(({ name }) => name === user.name);
  const uid = uids.get(user.name);
  if (uid === undefined) throw new TypeError(`no uid was allotted to ${user.name}`);
  if (found === undefined) {
    return [{ kind: "add-user", user, uid, groupExists: present.groups.some(({ name }) => name === user.name) }];
  }
  const what = [
    ...(found.home === user.home ? [] : [`home ${found.home} → ${user.home}`]),
    ...(found.shell === user.shell ? [] : [`shell ${found.shell} → ${user.shell}`]),
    ...(found.password === noPassword ? [] : ["password removed"]),
  ];
  return what.length === 0 ? [] : [{ kind: "change-user", user, what }];
}

function fileActions(
  file: DesiredFile,
  before: PresentFile | undefined,
  owner: PlanOptions["owner"],
): readonly Action[] {
  const same =
    before?.content === file.content &&
    before.mode === file.mode &&
    before.uid === owner.uid &&
    before.gid === owner.gid;
  return same ? [] : [{ kind: "write-file", file, before }];
}
