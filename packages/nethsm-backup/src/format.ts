/**
 * The layout of a NetHSM backup, versions 0 (firmware up to 3.1) and 1 (from 4.0).
 *
 *     "_NETHSM_BACKUP_" version(1) F(salt) F(E "backup-version") F(E "domain-key")
 *     [v1: F(E "backup-device-id") F(E "backup-config-store-key")]
 *     F(E "backup")…                               one for each item
 *     [v1: 00 00 00 "_NETHSM_BACKUP_END_"]         v0 just ends
 *
 * F(x) is x after its length in three bytes, big endian; E is nonce(12), AES-256-GCM ciphertext, tag(16).
 */
import { toUtf8 } from "@signstar/primitives/bytes";

export type BackupVersion = 0 | 1;

export const magic = toUtf8("_NETHSM_BACKUP_");
export const trailer = toUtf8("_NETHSM_BACKUP_END_");

export const sizes = { salt: 16, nonce: 12, tag: 16, length: 3, domainKey: 32 } as const;

/** The largest field that three length bytes can announce. */
export const maxField = 2 ** 24 - 1;

/** Associated data of each kind of field. */
export const aad = {
  version: "backup-version",
  domainKey: "domain-key",
  deviceId: "backup-device-id",
  configStoreKey: "backup-config-store-key",
  item: "backup",
} as const;

export interface BackupHeader {
  readonly version: BackupVersion;
  /** Of the backup passphrase, 16 bytes. */
  readonly salt: Uint8Array;
  /** The domain key as the unlock passphrase encrypts it, 60 bytes. */
  readonly lockedDomainKey: Uint8Array;
  /** Version 1 only: the device that made the backup, and the key of its configuration store (32 bytes). */
  readonly deviceId: string | undefined;
  readonly configStoreKey: Uint8Array | undefined;
}

/** One entry of the device's store. What `value` is depends on `path`; see stores.ts. */
export interface BackupItem {
  readonly path: string;
  readonly value: Uint8Array;
}

/** Three bytes, big endian. */
export function encodeLength(length: number): Uint8Array {
  if (length > maxField) throw new RangeError(`a field of ${length} bytes is larger than a backup can hold`);
  return Uint8Array.of(length >>> 16, (length >>> 8) & 0xff, length & 0xff);
}

export function decodeLength(bytes: Uint8Array): number {
  const [high = 0, middle = 0, low = 0] = bytes;
  return high * 0x1_0000 + middle * 0x100 + low;
}
