/**
 * The container of a backup, versions 0 (releases before 4.0) and 1: a head that says how to open it, then records,
 * everything under the backup key. A field is its length (3 bytes, big endian) and its bytes.
 */
import { concat, equal, fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { Refusal } from "./http.ts";
import { seal, UnsealError, unseal } from "./seal.ts";

export type BackupVersion = 0 | 1;

export interface Backup {
  readonly version: BackupVersion;
  /** The domain key under the unlock passphrase of the device that made it. */
  readonly lockedDomainKey: Uint8Array;
  /** Version 1 only: whose `/local/…` records these are, and the key they are under. */
  readonly origin: { readonly deviceId: string; readonly configStoreKey: Uint8Array } | undefined;
  readonly records: ReadonlyMap<string, Uint8Array>;
}

const magic = toUtf8("_NETHSM_BACKUP_");
const endOfList = Uint8Array.of(0, 0, 0);
const trailer = toUtf8("_NETHSM_BACKUP_END_");

export function encodeBackup(key: Uint8Array, salt: Uint8Array, backup: Backup): Uint8Array {
  const version = Uint8Array.of(backup.version);
  const { origin } = backup;
  const head = [
    field(salt),
    field(seal(key, "backup-version", version)),
    field(seal(key, "domain-key", backup.lockedDomainKey)),
    ...(origin === undefined
      ? []
      : [
          field(seal(key, "backup-device-id", toUtf8(origin.deviceId))),
          field(seal(key, "backup-config-store-key", origin.configStoreKey)),
        ]),
  ];
  const entries = [...backup.records].map(([path, value]) =>
    field(seal(key, "backup", concat(field(toUtf8(path)), value))),
  );
  return concat(magic, version, ...head, ...entries, ...(backup.version === 1 ? [endOfList, trailer] : []));
}

/** The salt of the passphrase, which is all that can be read without it. Throws Refusal 400. */
export function saltOf(file: Uint8Array): Uint8Array {
  return headOf(file).salt;
}

/** Reads and checks the whole file before anything is done with it. Throws Refusal 400. */
export function decodeBackup(file: Uint8Array, key: Uint8Array): Backup {
  const { version, reader } = headOf(file);
  const open = (aad: string) => openField(key, aad, reader.field());
  if (!equal(open("backup-version"), Uint8Array.of(version))) {
    throw new Refusal(400, "Version mismatch between the head of the backup and its encrypted version.");
  }
  const lockedDomainKey = open("domain-key");
  const origin =
    version === 0
      ? undefined
      : { deviceId: textOf(open("backup-device-id")), configStoreKey: open("backup-config-store-key") };
  const records = new Map<string, Uint8Array>();
  for (;;) {
    if (version === 0 && reader.atEnd) break;
    const sealed = reader.field();
    if (version === 1 && sealed.length === 0) break;
    const entry = new FieldReader(openField(key, "backup", sealed));
    records.set(textOf(entry.field()), entry.rest());
  }
  if (version === 1 && !equal(reader.rest(), trailer)) throw new Refusal(400, "The backup file was truncated.");
  return { version, lockedDomainKey, origin, records };
}

function headOf(file: Uint8Array): { version: BackupVersion; salt: Uint8Array; reader: FieldReader } {
  if (!equal(file.subarray(0, magic.length), magic)) throw new Refusal(400, "Not a NetHSM backup file");
  const version = file[magic.length];
  if (version !== 0 && version !== 1) throw new Refusal(400, `Unknown backup version ${version ?? "(none)"}.`);
  const reader = new FieldReader(file.subarray(magic.length + 1));
  return { version, salt: reader.field(), reader };
}

function openField(key: Uint8Array, aad: string, sealed: Uint8Array): Uint8Array {
  try {
    return unseal(key, aad, sealed);
  } catch (cause) {
    if (!(cause instanceof UnsealError)) throw cause;
    throw new Refusal(400, `Could not decrypt ${aad}, authentication failed. Is the passphrase correct?`);
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Refusal(400, "A name in the backup is not text.");
  }
}

function field(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > 0xff_ffff) throw new RangeError("field of 16 MiB or more");
  return concat(Uint8Array.of(length >>> 16, (length >>> 8) & 0xff, length & 0xff), bytes);
}

class FieldReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  field(): Uint8Array {
    const [a, b, c] = this.#bytes.subarray(this.#at, this.#at + 3);
    if (a === undefined || b === undefined || c === undefined) throw new Refusal(400, "Unexpected end of data");
    const start = this.#at + 3;
    const end = start + (a << 16) + (b << 8) + c;
    if (end > this.#bytes.length) throw new Refusal(400, "Unexpected end of data");
    this.#at = end;
    return this.#bytes.slice(start, end);
  }

  rest(): Uint8Array {
    const rest = this.#bytes.slice(this.#at);
    this.#at = this.#bytes.length;
    return rest;
  }
}
