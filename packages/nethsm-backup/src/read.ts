/**
 * Reads a backup as a stream. Without a passphrase the outer structure can be walked; with the backup passphrase every
 * field is decrypted and authenticated.
 */
import { equal, fromUtf8 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import { ByteSource, type Chunks } from "./byte-source.ts";
import { deriveKey, open } from "./crypto.ts";
import { BackupError } from "./errors.ts";
import {
  aad,
  type BackupHeader,
  type BackupItem,
  type BackupVersion,
  decodeLength,
  magic,
  sizes,
  trailer,
} from "./format.ts";

/** The fields of a backup, still encrypted. */
export interface SealedBackup {
  readonly version: BackupVersion;
  readonly salt: Uint8Array;
  readonly fields: {
    readonly version: Uint8Array;
    readonly domainKey: Uint8Array;
    readonly deviceId: Uint8Array | undefined;
    readonly configStoreKey: Uint8Array | undefined;
  };
  /** One sealed item after the other; to be iterated once. Throws BackupError when the file is not whole. */
  readonly items: AsyncIterable<Uint8Array>;
}

export interface OpenBackup {
  readonly header: BackupHeader;
  /** One item after the other; to be iterated once. Throws BackupError when the file is not whole or was altered. */
  readonly items: AsyncIterable<BackupItem>;
}

/**
 * Reads the head of a backup without opening anything.
 *
 * @throws BackupError `not-a-backup`, `unknown-version`, `truncated`, `bad-length`
 */
export async function readSealedBackup(chunks: Chunks): Promise<SealedBackup> {
  const source = new ByteSource(chunks);
  if (!equal(await readMagic(source), magic)) {
    throw new BackupError("not-a-backup", "the file does not begin as a NetHSM backup does");
  }
  const [version] = await source.read(1, "the version");
  if (version !== 0 && version !== 1) {
    throw new BackupError("unknown-version", `backup version ${version} is not known; 0 and 1 are`);
  }
  const salt = await readField(source, "the salt", sizes.salt);
  const box = (plain: number) => plain + sizes.nonce + sizes.tag;
  const fields = {
    version: await readField(source, "the encrypted version", box(1)),
    domainKey: await readField(source, "the encrypted domain key", box(box(sizes.domainKey))),
    deviceId: version === 1 ? await readField(source, "the encrypted device id") : undefined,
    configStoreKey:
      version === 1 ? await readField(source, "the encrypted configuration store key", box(32)) : undefined,
  };
  return { version, salt, fields, items: readItems(source, version) };
}

/**
 * Opens a backup with its backup passphrase.
 *
 * @throws BackupError as `readSealedBackup`, and `wrong-passphrase`, `version-mismatch`, `tampered`; while iterating
 *   also `bad-item`, `duplicate-item`, `bad-trailer`, `trailing-data`
 */
export async function openBackup(chunks: Chunks, passphrase: Secret): Promise<OpenBackup> {
  const sealed = await readSealedBackup(chunks);
  return openSealedBackup(sealed, await deriveKey(passphrase, sealed.salt));
}

/**
 * As `openBackup`, with the key that was derived from the passphrase: a device keeps that one, not the passphrase.
 *
 * @throws BackupError as `openBackup`
 */
export function openSealedBackup({ version, salt, fields, items }: SealedBackup, key: Secret): OpenBackup {
  const inner = open(key, aad.version, fields.version);
  if (inner === undefined) {
    throw new BackupError("wrong-passphrase", "the backup passphrase does not open this file", {
      hint: "give the backup passphrase that was set on the device when the backup was made",
    });
  }
  if (!equal(inner, Uint8Array.of(version))) {
    throw new BackupError("version-mismatch", `the file says version ${version}, its encrypted copy says otherwise`);
  }
  const header: BackupHeader = {
    version,
    salt,
    lockedDomainKey: openField(key, aad.domainKey, fields.domainKey, "the domain key"),
    deviceId:
      fields.deviceId && decodeText(openField(key, aad.deviceId, fields.deviceId, "the device id"), "the device id"),
    configStoreKey:
      fields.configStoreKey && openField(key, aad.configStoreKey, fields.configStoreKey, "the configuration store key"),
  };
  return { header, items: openItems(items, key) };
}

async function* openItems(items: AsyncIterable<Uint8Array>, key: Secret): AsyncGenerator<BackupItem> {
  const seen = new Set<string>();
  let number = 0;
  for await (const box of items) {
    number += 1;
    const item = decodeItem(openField(key, aad.item, box, `item ${number}`), number);
    if (seen.has(item.path)) {
      throw new BackupError("duplicate-item", `item ${number} is a second ${JSON.stringify(item.path)}`);
    }
    seen.add(item.path);
    yield item;
  }
}

async function* readItems(source: ByteSource, version: BackupVersion): AsyncGenerator<Uint8Array> {
  for (let number = 1; !(await source.atEnd()); number += 1) {
    const length = decodeLength(await source.read(sizes.length, `the length of item ${number}`));
    if (length === 0 && version === 1) return readTrailer(source);
    if (length < sizes.nonce + sizes.tag) {
      throw new BackupError("bad-length", `item ${number} has ${length} bytes, which is too short to be encrypted`);
    }
    yield await source.read(length, `item ${number}`);
  }
  // Version 0 has no end marker: a file cut exactly between two items can only be told by what is missing in it.
  if (version === 1) {
    throw new BackupError("truncated", "the file ends without the end marker", { hint: "fetch the backup again" });
  }
}

async function readTrailer(source: ByteSource): Promise<void> {
  if (!equal(await source.read(trailer.length, "the end marker"), trailer)) {
    throw new BackupError("bad-trailer", "the end marker is not that of a NetHSM backup");
  }
  if (!(await source.atEnd())) throw new BackupError("trailing-data", "there is data after the end marker");
}

/** A file shorter than the magic is no backup rather than a truncated one, unless it begins as one. */
async function readMagic(source: ByteSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(magic.length);
  for (let i = 0; i < magic.length; i += 1) {
    const [byte] = await source.read(1, "the file's head");
    bytes[i] = byte ?? 0;
    if (byte !== magic[i]) return bytes;
  }
  return bytes;
}

async function readField(source: ByteSource, what: string, length?: number): Promise<Uint8Array> {
  const found = decodeLength(await source.read(sizes.length, `the length of ${what}`));
  if (length !== undefined && found !== length) {
    throw new BackupError("bad-length", `${what} has ${found} bytes instead of ${length}`);
  }
  if (length === undefined && found < sizes.nonce + sizes.tag) {
    throw new BackupError("bad-length", `${what} has ${found} bytes, which is too short to be encrypted`);
  }
  return source.read(found, what);
}

function openField(key: Secret, associated: string, box: Uint8Array, what: string): Uint8Array {
  const plaintext = open(key, associated, box);
  if (plaintext === undefined) {
    throw new BackupError("tampered", `${what} was altered after the backup was made`, {
      hint: "do not restore this file; fetch the backup again",
    });
  }
  return plaintext;
}

function decodeItem(plaintext: Uint8Array, number: number): BackupItem {
  const end = sizes.length + decodeLength(plaintext.subarray(0, sizes.length));
  if (plaintext.length < sizes.length || plaintext.length < end) {
    throw new BackupError("bad-item", `item ${number} is shorter than the path that it announces`);
  }
  const path = decodeText(plaintext.subarray(sizes.length, end), `the path of item ${number}`);
  if (!path.startsWith("/"))
    throw new BackupError("bad-item", `the path of item ${number} does not begin with a slash`);
  return { path, value: plaintext.subarray(end) };
}

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new BackupError("bad-item", `${what} is not UTF-8`, { cause });
  }
}
