/** A backup file that was sent for restoring: read, opened and checked as a whole before anything is done with it. */
import { BackupError } from "@signstar/nethsm-backup/errors";
import type { BackupVersion } from "@signstar/nethsm-backup/format";
import { openSealedBackup, readSealedBackup } from "@signstar/nethsm-backup/read";
import { Secret } from "@signstar/primitives/secret";
import { Refusal } from "./http.ts";

export interface Backup {
  readonly version: BackupVersion;
  /** The domain key under the unlock passphrase of the device that made it. */
  readonly lockedDomainKey: Uint8Array;
  /** Version 1 only: whose `/local/…` records these are, and the key they are under. */
  readonly origin: { readonly deviceId: string; readonly configStoreKey: Secret } | undefined;
  readonly records: ReadonlyMap<string, Uint8Array>;
}

/** `keyFor` gives the backup key that belongs to a salt. Throws Refusal 400, and what `keyFor` throws. */
export async function readBackup(file: Uint8Array, keyFor: (salt: Uint8Array) => Promise<Secret>): Promise<Backup> {
  try {
    const sealed = await readSealedBackup([file]);
    const { header, items } = openSealedBackup(sealed, await keyFor(sealed.salt));
    const records = new Map<string, Uint8Array>();
    for await (const { path, value } of items) records.set(path, value);
    const { version, lockedDomainKey, deviceId, configStoreKey } = header;
    const origin =
      deviceId === undefined || configStoreKey === undefined
        ? undefined
        : { deviceId, configStoreKey: Secret.take(configStoreKey) };
    return { version, lockedDomainKey, origin, records };
  } catch (error) {
    throw error instanceof BackupError ? new Refusal(400, messageFor(error)) : error;
  }
}

/** In the device's words where it has some. */
function messageFor({ code, message }: BackupError): string {
  switch (code) {
    case "truncated":
      return "Unexpected end of data";
    case "bad-trailer":
      return "The backup file was truncated.";
    case "wrong-passphrase":
      return "Could not decrypt backup-version, authentication failed. Is the passphrase correct?";
    case "version-mismatch":
      return "Version mismatch between the head of the backup and its encrypted version.";
    default:
      return `Invalid backup: ${message}.`;
  }
}
