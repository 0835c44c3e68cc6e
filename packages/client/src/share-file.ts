/** A share on its holder's disk: read without waiting, written whole, never lost. */
import { closeSync, constants, fstatSync, fsyncSync, linkSync, lstatSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { equal } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { SharingError } from "@signstar/secret-sharing/errors";
import { parseShare, type Share } from "@signstar/secret-sharing/share";
import { ClientError } from "./errors.ts";
import { syncFolder, writeTarget } from "./new-file.ts";
import { reason } from "./reason.ts";

export interface StoredShare {
  readonly bytes: Uint8Array;
  readonly share: Share;
  /** Whether group or others may read the file. */
  readonly exposed: boolean;
}

/** Throws ClientError: no-input (66), read-failed (74), bad-share (65). */
export function readShare(path: string): StoredShare {
  const found = readIfThere(path);
  if (found !== undefined) return found;
  throw new ClientError("no-input", `${path} does not exist`);
}

/** The same; undefined if there is nothing at `path`. */
export function readIfThere(path: string): StoredShare | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const { bytes, mode } = contentOf(path);
  return { bytes, share: parsed(bytes, path), exposed: (mode & 0o077) !== 0 };
}

/** Refuses early what `storeShare` would refuse: no folder, or something else than a share in the way. */
export function requirePlace(path: string): void {
  const folder = dirname(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ClientError("cannot-create", `${path} cannot be written: its directory does not exist`);
  }
  shareInTheWay(path);
}

/**
 * Makes `bytes`, a share, the content of `path`, on disk when it returns. What is there is kept under `path.old`, unless
 * it is the same share. Throws ClientError: cannot-create (73) where a share would be lost or something else is in the
 * way, read-failed.
 * @returns what was done
 */
export function storeShare(path: string, bytes: Uint8Array): "stored" | "stored-beside-old" | "present" {
  const there = shareInTheWay(path);
  if (there === undefined) {
    writeTarget(path, bytes, false, privateMode);
    return "stored";
  }
  if (equal(there, bytes)) {
    syncFile(path);
    return "present";
  }
  keepAsOld(path, there);
  writeTarget(path, bytes, true, privateMode);
  return "stored-beside-old";
}

/** What to tell the holder of an exposed one. */
export function exposedNote(path: string): string {
  return `others can read ${path}: chmod 600 keeps it yours`;
}

const privateMode = 0o600;

/** A second name, so that at no moment there is none; one that a run before this one has made already will do. */
function keepAsOld(path: string, bytes: Uint8Array): void {
  const old = `${path}.old`;
  const before = shareInTheWay(old);
  if (before === undefined) {
    try {
      linkSync(path, old);
    } catch {
      // A file system without hard links.
      writeTarget(old, bytes, false, privateMode);
    }
    syncFolder(dirname(path));
    return;
  }
  if (equal(before, bytes)) return;
  throw new ClientError("cannot-create", `${path} and ${old} both hold other shares, and none of them is to be lost`, {
    hint: `move ${old} away; 'ssh HOST status' says which sets may be destroyed`,
  });
}

/** Throws ClientError cannot-create if anything but a share is there. */
function shareInTheWay(path: string): Uint8Array | undefined {
  try {
    return readIfThere(path)?.bytes;
  } catch (cause) {
    if (!(cause instanceof ClientError)) throw cause;
    throw new ClientError("cannot-create", `something else than a share is in the way: ${cause.message}`, { cause });
  }
}

function contentOf(path: string): { readonly bytes: Uint8Array; readonly mode: number } {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new ClientError("no-input", `${path} is not a regular file`);
    const buffer = new Uint8Array(limits.shareBytes + 1);
    let length = 0;
    for (let count = -1; count !== 0; length += count)
      count = readSync(fd, buffer, length, buffer.length - length, null);
    const bytes = buffer.slice(0, length);
    buffer.fill(0);
    return { bytes, mode: stats.mode };
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError("read-failed", `${path} cannot be read: ${reason(cause)}`, { cause });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function parsed(bytes: Uint8Array, path: string): Share {
  try {
    return parseShare(bytes);
  } catch (cause) {
    if (!(cause instanceof SharingError)) throw cause;
    throw new ClientError("bad-share", `${path}: ${messageOf(cause)}`, { cause, hint: cause.hint });
  }
}

/** An earlier run may have ended before this. */
function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(path));
}
