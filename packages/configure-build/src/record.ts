/** What an earlier run made, so that a later one can remove it, and touches nothing else. */
import { parseSystemUserId, type SystemUserId } from "@signstar/config/system-user";
import { messageOf } from "@signstar/primitives/failure";
import { ConfigureBuildError } from "./errors.ts";

export const recordPath = "/usr/lib/signstar/configure-build.json";

export interface BuildRecord {
  /** By name, with their uids. */
  readonly users: ReadonlyMap<SystemUserId, number>;
  /** Absolute paths without the root, sorted. */
  readonly files: readonly string[];
  /** The highest uid ever given: a new user must not get the number, and so the home, of one that is gone. */
  readonly lastUid: number;
}

export const emptyRecord: BuildRecord = { users: new Map(), files: [], lastUid: 0 };

/** The files that are ours by their name; a record that lists another one is not believed. */
const ownFile =
  /^\/(?:etc\/ssh\/signstar-user-[a-z0-9_-]+\.authorized_keys|etc\/ssh\/sshd_config\.d\/10-signstar-user-[a-z0-9_-]+\.conf|usr\/lib\/sysusers\.d\/signstar\.conf|usr\/lib\/tmpfiles\.d\/signstar(?:-user-[a-z0-9_-]+)?\.conf|usr\/lib\/systemd\/system\/signstar-configure\.(?:path|service\.d\/50-signstar-credentials\.conf))$/;

export function encodeRecord(record: BuildRecord): string {
  const users = Object.fromEntries([...record.users].sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ version: 1, users, files: [...record.files].sort(), lastUid: record.lastUid }, null, 2)}\n`;
}

/** Throws ConfigureBuildError (`bad-record`). */
export function parseRecord(text: string): BuildRecord {
  const { version, users, files, lastUid } = membersOf(parseJson(text));
  if (version !== 1) throw badRecord("is of an unknown version");
  if (!isUid(lastUid)) throw badRecord("has no lastUid");
  if (!Array.isArray(files)) throw badRecord("lists no files");
  return {
    users: new Map(Object.entries(membersOf(users)).map(([name, uid]) => [userName(name), checkedUid(uid)])),
    files: files.map((file: unknown) => {
      if (typeof file === "string" && ownFile.test(file)) return file;
      throw badRecord(`lists ${JSON.stringify(file)}, which is none of our files`);
    }),
    lastUid,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badRecord(`is not JSON: ${messageOf(cause)}`);
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badRecord("has no object where one is due");
  return Object.fromEntries(Object.entries(value));
}

function userName(name: string): SystemUserId {
  try {
    return parseSystemUserId(name);
  } catch (cause) {
    throw badRecord(messageOf(cause));
  }
}

function checkedUid(uid: unknown): number {
  if (!isUid(uid)) throw badRecord("has a user without uid");
  return uid;
}

function isUid(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 60_000;
}

function badRecord(problem: string): ConfigureBuildError {
  return new ConfigureBuildError("bad-record", `record ${recordPath} ${problem}`, {
    hint: "if it cannot be restored, remove it and what it listed by hand, then run again",
  });
}
