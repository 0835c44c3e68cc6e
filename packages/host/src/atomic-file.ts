import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
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

/** Makes the names in a directory as durable as its files. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
