import {
  chmodSync,
  chownSync,
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
export function writeFileAtomic(path: string, bytes: Uint8Array, ownership: FileOwnership): void {
  const part = new Part(path);
  try {
    part.write(bytes);
    part.commit(ownership);
  } finally {
    part.drop();
  }
}

/**
 * The same for content of any length: what `fill` has written when it resolves. If it rejects, so does this, and
 * nothing has happened.
 */
export async function writeStreamAtomic(
  path: string,
  ownership: FileOwnership,
  fill: (write: (piece: Uint8Array) => void) => Promise<void>,
): Promise<void> {
  const part = new Part(path);
  try {
    await fill((piece) => part.write(piece));
    part.commit(ownership);
  } finally {
    part.drop();
  }
}

/** A dot file beside the one that it becomes. */
class Part {
  readonly #path: string;
  readonly #temporary: string;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#temporary = join(dirname(path), `.${basename(path)}.${globalThis.crypto.randomUUID().slice(0, 8)}`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    this.#fd = this.#try(() => openSync(this.#temporary, flags, 0o600));
  }

  write(bytes: Uint8Array): void {
    const fd = this.#open();
    this.#try(() => {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
    });
  }

  commit({ mode, uid, gid }: FileOwnership): void {
    const fd = this.#open();
    this.#try(() => {
      if (uid !== undefined || gid !== undefined) fchownSync(fd, uid ?? -1, gid ?? -1);
      fchmodSync(fd, mode);
      fsyncSync(fd);
      renameSync(this.#temporary, this.#path);
      this.#close();
      syncDirectory(dirname(this.#path));
    });
  }

  /** Without a `commit` before it nothing is left. */
  drop(): void {
    if (this.#fd === undefined) return;
    this.#close();
    unlinkSync(this.#temporary);
  }

  #open(): number {
    if (this.#fd === undefined) throw new TypeError("the file has been written");
    return this.#fd;
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new HostError("write-failed", `${this.#path} cannot be written: ${messageOf(cause)}`, { cause });
    }
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
 * Makes a directory with exactly this mode and owner (of the caller by default), and what is missing above it with
 * 0755, whatever the umask; one that exists stays as it is. The new names are on disk when it returns.
 * Throws HostError (write-failed).
 */
export function makeDirectory(
  path: string,
  mode: number,
  owner?: { readonly uid: number; readonly gid: number },
): void {
  try {
    makeMissing(path, mode, owner);
  } catch (cause) {
    throw new HostError("write-failed", `directory ${path} cannot be made: ${messageOf(cause)}`, { cause });
  }
}

function makeMissing(path: string, mode: number, owner?: { readonly uid: number; readonly gid: number }): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  makeMissing(dirname(path), 0o755);
  // Recursive only so that someone else may be faster. The umask takes from the mode, and never adds to it.
  if (mkdirSync(path, { recursive: true, mode }) === undefined) return;
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
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

/** An empty directory with this mode, whatever was there. Throws HostError (write-failed). */
export function clearDirectory(path: string, mode: number): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (cause) {
    throw new HostError("write-failed", `${path} cannot be emptied: ${messageOf(cause)}`, { cause });
  }
  makeDirectory(path, mode);
}
