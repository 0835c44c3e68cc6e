/** Writes a backup, field by field. */
import { concat, toUtf8 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import { deriveKey, seal } from "./crypto.ts";
import { aad, type BackupHeader, type BackupItem, encodeLength, magic, sizes, trailer } from "./format.ts";

export interface BackupContents {
  readonly header: BackupHeader;
  readonly items: Iterable<BackupItem> | AsyncIterable<BackupItem>;
}

/**
 * The bytes of a backup file in chunks, one for each field. `random` gives that many unpredictable bytes: every field
 * gets a nonce of its own.
 */
export async function* writeBackup(
  { header, items }: BackupContents,
  passphrase: Secret,
  random: (length: number) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  const key = await deriveKey(passphrase, header.salt);
  yield* writeBackupWithKey({ header, items }, key, random);
}

/** As `writeBackup`, with the key that was derived from the passphrase: a device keeps that one, not the passphrase. */
export async function* writeBackupWithKey(
  { header, items }: BackupContents,
  key: Secret,
  random: (length: number) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  const { version, salt, lockedDomainKey, deviceId, configStoreKey } = header;
  if (salt.length !== sizes.salt) throw new RangeError(`salt of ${salt.length} bytes`);
  const sealed = (associated: string, plaintext: Uint8Array) =>
    field(seal(key, associated, plaintext, random(sizes.nonce)));

  yield concat(magic, Uint8Array.of(version), field(salt));
  yield sealed(aad.version, Uint8Array.of(version));
  yield sealed(aad.domainKey, lockedDomainKey);
  if (version === 1) {
    if (deviceId === undefined || configStoreKey === undefined) {
      throw new TypeError("a backup of version 1 names its device and the key of its configuration store");
    }
    yield sealed(aad.deviceId, toUtf8(deviceId));
    yield sealed(aad.configStoreKey, configStoreKey);
  }
  for await (const { path, value } of items) yield sealed(aad.item, concat(field(toUtf8(path)), value));
  if (version === 1) yield concat(encodeLength(0), trailer);
}

function field(bytes: Uint8Array): Uint8Array {
  return concat(encodeLength(bytes.length), bytes);
}
