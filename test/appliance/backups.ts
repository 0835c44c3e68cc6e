/** Backups of any size, made here; what is inside the items does not matter. */
import { randomBytes } from "node:crypto";
import type { BackupHeader, BackupItem } from "@signstar/nethsm-backup/format";
import { writeBackup } from "@signstar/nethsm-backup/write";
import { concat } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";

interface Size {
  readonly items: number;
  readonly valueBytes: number;
  readonly version?: 0 | 1;
}

export function backupPieces({ items, valueBytes, version = 1 }: Size): AsyncGenerator<Uint8Array> {
  const header: BackupHeader = {
    version,
    salt: new Uint8Array(16),
    lockedDomainKey: new Uint8Array(60),
    deviceId: version === 1 ? "0000000000" : undefined,
    configStoreKey: version === 1 ? new Uint8Array(32) : undefined,
  };
  const contents = function* (): Generator<BackupItem> {
    for (let i = 0; i < items; i += 1) yield { path: `/key/key${i}`, value: new Uint8Array(valueBytes) };
  };
  return writeBackup({ header, items: contents() }, Secret.fromText("backup-passphrase"), (n) => randomBytes(n));
}

export async function backupOf(size: Size): Promise<Uint8Array> {
  return concat(...(await collected(backupPieces(size))));
}

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}
