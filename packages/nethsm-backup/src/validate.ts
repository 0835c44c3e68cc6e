/** Says whether a backup can be relied on: every field is read, and with passphrases every value is opened. */
import type { Secret } from "@signstar/primitives/secret";
import type { Chunks } from "./byte-source.ts";
import { BackupError } from "./errors.ts";
import type { BackupHeader, BackupItem, BackupVersion } from "./format.ts";
import { openBackup, readSealedBackup } from "./read.ts";
import { openDomainKey, unlockSaltPath, ValueOpener } from "./stores.ts";

export interface Passphrases {
  readonly backup: Secret;
  /** With it the values of users, keys and namespaces are opened too. */
  readonly unlock?: Secret;
}

/** A value as the device works with it: `path` as in the backup, `/local/DEVICE` in front of it left out. */
export type See = (path: string, value: Uint8Array) => void;

export interface Validation {
  readonly version: BackupVersion;
  readonly items: number;
  /** How far it went: the frame alone, every item decrypted, or every value as well. */
  readonly depth: "structure" | "items" | "values";
}

/** Without these no device takes the file back; that they are there also tells a whole version 0 file from a cut one. */
function requiredPaths({ version, deviceId }: BackupHeader): string[] {
  const common = ["/authentication/.version", "/key/.version", "/namespace/.version"];
  const config = version === 0 ? "/config" : `/local/${deviceId}/config`;
  return [
    ...common,
    "/config/version",
    ...["unlock-salt", "certificate", "private-key"].map((name) => `${config}/${name}`),
    version === 0 ? "/domain-key/attended" : `/local/${deviceId}/domain-key/attended`,
  ];
}

/**
 * Validates the whole of a backup in one pass. Memory: one item, and with an unlock passphrase all of them, since the
 * salt that it needs may come last.
 *
 * @param see is shown every value that can be opened, after all of them have been; only with an unlock passphrase
 * @throws BackupError whose code says what is wrong
 */
export async function validateBackup(chunks: Chunks, passphrases?: Passphrases, see?: See): Promise<Validation> {
  if (passphrases === undefined) {
    const { version, items } = await readSealedBackup(chunks);
    let count = 0;
    for await (const _item of items) count += 1;
    return { version, items: count, depth: "structure" };
  }
  const { header, items } = await openBackup(chunks, passphrases.backup);
  const withoutDomainKey = new ValueOpener(header);
  const kept: BackupItem[] = [];
  const paths = new Set<string>();
  for await (const item of items) {
    withoutDomainKey.open(item);
    paths.add(item.path);
    if (passphrases.unlock !== undefined) kept.push(item);
  }
  const missing = requiredPaths(header).filter((path) => !paths.has(path));
  if (missing.length > 0) {
    throw new BackupError("missing-item", `the backup lacks ${missing.join(", ")}`, {
      hint: "the file may have been cut short: fetch the backup again",
    });
  }
  if (passphrases.unlock !== undefined) await openValues(header, kept, passphrases.unlock, see);
  const depth = passphrases.unlock === undefined ? "items" : "values";
  return { version: header.version, items: paths.size, depth };
}

async function openValues(header: BackupHeader, items: readonly BackupItem[], unlock: Secret, see?: See) {
  const saltItem = items.find(({ path }) => path === unlockSaltPath(header));
  const salt = saltItem && new ValueOpener(header).open(saltItem);
  if (salt === undefined) throw new BackupError("missing-item", "the backup lacks the salt of its unlock passphrase");
  const opener = new ValueOpener(header, await openDomainKey(header.lockedDomainKey, unlock, salt));
  const values = items.map((item) => [item.path, opener.open(item)] as const);
  const local = `/local/${header.deviceId}/`;
  for (const [path, value] of values) {
    if (value !== undefined) see?.(path.startsWith(local) ? path.slice(local.length - 1) : path, value);
  }
}
