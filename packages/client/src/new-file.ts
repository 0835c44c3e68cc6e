/** Files that are written whole or not at all. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ClientError } from "./errors.ts";
import { reason } from "./reason.ts";

const usualMode = 0o666;

/**
 * Writes a new file with this mode less the umask: a dot name beside it, fsync, then the name itself. Without `force`
 * a file that appeared meanwhile is left alone. Throws ClientError `cannot-create` (73).
 */
export function writeTarget(target: string, bytes: Uint8Array, force: boolean, mode = usualMode): void {
  const made = openNew(target, bytes, mode);
  let problem: Error | null = null;
  try {
    fsyncSync(made.fd);
  } catch (error) {
    problem = error instanceof Error ? error : new Error(String(error));
  }
  made.publish(force, problem);
  syncFolder(dirname(target));
}

/** A whole file under a dot name beside its target, to be synced and then published or removed. */
export interface NewFile {
  readonly fd: number;
  /**
   * Closes it and gives it its name, unless syncing it has met a `problem`. Throws ClientError `cannot-create` (73);
   * then nothing is left of it.
   */
  publish(force: boolean, problem: Error | null): void;
  remove(): void;
}

/** Throws ClientError `cannot-create` (73). */
export function openNew(target: string, bytes: Uint8Array, mode = usualMode): NewFile {
  const temporary = join(dirname(target), `.signstar-${randomBytes(6).toString("hex")}`);
  const orElse = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw error instanceof ClientError ? error : cannotCreate(target, reason(error), error);
    }
  };
  const fd = orElse(() => openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode));
  const remove = (): void => {
    closeSync(fd);
    unlinkSync(temporary);
  };
  orElse(() => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (error) {
      remove();
      throw error;
    }
  });
  return {
    fd,
    remove,
    publish(force, problem) {
      closeSync(fd);
      orElse(() => {
        try {
          if (problem !== null) throw problem;
          publish(temporary, target, force);
        } catch (error) {
          unlinkSync(temporary);
          throw error;
        }
      });
    },
  };
}

function publish(temporary: string, target: string, force: boolean): void {
  if (force) {
    renameSync(temporary, target);
    return;
  }
  try {
    linkSync(temporary, target);
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw exists(target);
    // A file system without hard links: a look before the rename has to do.
    if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw exists(target);
    renameSync(temporary, target);
    return;
  }
  unlinkSync(temporary);
}

/** Throws ClientError `cannot-create` (73). */
export function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // Some network file systems cannot sync a directory; the file itself is safe.
    if (!hasCode(error, "EINVAL")) throw cannotCreate(folder, reason(error), error);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

export function exists(target: string): ClientError {
  return new ClientError("cannot-create", `${target} exists already`, { hint: "--force overwrites it" });
}

export function cannotCreate(target: string, why: string, cause?: unknown): ClientError {
  return new ClientError("cannot-create", `${target} cannot be written: ${why}`, { cause });
}
