import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";

export interface FileOwnership {
  /** Exactly this, whatever the umask. */
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Writes a file so that under its name there is, at any moment, either what was there or all of the new content, on
 * disk: a dot file made new, fsync, rename, fsync of the directory. Not for root in a directory that others can write.
 * Throws HostError (write-failed).
 */
export function writeFileAtomic(path: string, bytes: Uint8Array, { mode, uid, gid }: FileOwnership): void {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${globalThis.crypto.randomUUID().slice(0, 8)}`);
  try {
    const fd = openSync(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      if (uid !== undefined || gid !== undefined) fchownSync(fd, uid ?? -1, gid ?? -1);
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
      fchmodSync(fd, mode);
      fsyncSync(fd);
      renameSync(temporary, path);
    } catch (thrown) {
      unlinkSync(temporary);
      throw thrown;
    } finally {
      closeSync(fd);
    }
    syncDirectory(directory);
  } catch (cause) {
    throw new HostError("write-failed", `${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** Removes a file, on disk when it returns; that it is not there is fine. Throws HostError (write-failed). */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
    syncDirectory(dirname(path));
  } catch (cause) {
    throw new HostError("write-failed", `${path} cannot be removed: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Makes a directory with exactly this mode, and what is missing above it with 0755, whatever the umask; one that exists
 * stays as it is. The new names are on disk when it returns. Throws HostError (write-failed).
 */
export function makeDirectory(path: string, mode: number): void {
  try {
    makeMissing(path, mode);
  } catch (cause) {
    throw new HostError("write-failed", `directory ${path} cannot be made: ${messageOf(cause)}`, { cause });
  }
}

function makeMissing(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  makeMissing(dirname(path), 0o755);
  // Recursive only so that someone else may be faster. The umask takes from the mode, and never adds to it.
  if (mkdirSync(path, { recursive: true, mode }) === undefined) return;
  chmodSync(path, mode);
  syncDirectory(dirname(path));
}

/** Makes the names in a directory as durable as its files. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
