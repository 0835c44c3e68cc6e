import { dirname, join } from "node:path";
import { parseDocument } from "./document.ts";
import type { Field } from "./field.ts";
import type { Findings } from "./findings.ts";
import { named } from "./load.ts";
import { parseSystemUserId, type SystemUserId } from "./system-user.ts";
import { readText } from "./text-file.ts";

/** Below are the machine's own users; above, on many systems, those that systemd makes up. */
export const uidRange = { min: 3000, max: 59_999 } as const;

export type Uids = ReadonlyMap<SystemUserId, number>;

/** Where the numbers of a config's users stand: beside it. */
export function uidsPath(configPath: string): string {
  return join(dirname(configPath), "uids.toml");
}

/**
 * The numeric ids of a config's users, undefined if there is no such file. They have to be the same in every image,
 * because `/var` outlives it: `NAME = UID`, one line each. Lines of users that are gone stay, so that no number is used
 * twice. Throws ConfigError (exit 78).
 */
export async function loadUids(configPath: string): Promise<Uids | undefined> {
  const path = uidsPath(configPath);
  const text = readText(path);
  return text === undefined ? undefined : named(path, () => parseUids(text));
}

/** Throws ConfigError (exit 78). */
export function parseUids(text: string): Uids {
  return parseDocument(text, "list of uids", readUids).value;
}

function readUids(document: Field, findings: Findings): Uids | undefined {
  const uids = new Map<SystemUserId, number>();
  const names = new Map<number, string>();
  for (const [key, field] of document.entries() ?? []) {
    const uid = field.integer(uidRange.min, uidRange.max);
    const name = field.keyParsed(parseSystemUserId);
    if (uid === undefined || name === undefined) continue;
    const other = names.get(uid);
    if (other !== undefined) findings.problem(field.path, `uid ${uid} is that of ${other} already`);
    names.set(uid, key);
    uids.set(name, uid);
  }
  return uids;
}
