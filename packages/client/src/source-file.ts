/** The file to be signed: opened, hashed, and known not to have changed meanwhile. */
import { type BigIntStats, closeSync, fstatSync, openSync, statSync } from "node:fs";
import { basename } from "node:path";
import { type HashedFile, hashFile } from "@signstar/hash-state/hash-file";
import { messageOf } from "@signstar/primitives/failure";
import { ClientError } from "./errors.ts";
import { reason } from "./reason.ts";

/** The word that stands for standard input. */
export const stdinName = "-";

/** What the request says of the file's name; standard input has none. */
export function requestName(path: string): string | null {
  return path === stdinName ? null : basename(path);
}

/** Bytes, for the progress line; undefined for what has no size. */
export function sizeHint(path: string): number | undefined {
  if (path === stdinName) return undefined;
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : undefined;
}

/**
 * Hashes the file from its beginning to its end. Throws ClientError `no-input` (66: missing, unreadable, a directory),
 * `read-failed` (74) and, when a regular file was written to, cut or replaced meanwhile, `file-changed` (75).
 * @param onProgress gets the bytes hashed so far
 */
export async function hashSource(path: string, onProgress?: (bytes: number) => void): Promise<HashedFile> {
  if (path === stdinName) return await hashOpen(0, "standard input", onProgress);
  const fd = open(path);
  try {
    const before = fstatSync(fd, { bigint: true });
    if (before.isDirectory()) {
      throw new ClientError("no-input", `${path} is a directory`, { hint: "sign an archive of it" });
    }
    const hashed = await hashOpen(fd, path, onProgress);
    if (before.isFile() && (hashed.size !== before.size || !isStill(path, before))) {
      const hint = "sign it when nothing writes to it any more";
      throw new ClientError("file-changed", `${path} changed while it was read`, { hint });
    }
    return hashed;
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    // Arguments that are not UTF-8 reach us with replacement characters: such a name can never be opened.
    const hint = path.includes("\ufffd") ? "a name that is not UTF-8 cannot be given: use - and --output" : undefined;
    throw new ClientError("no-input", `${path} cannot be opened: ${reason(cause)}`, { cause, hint });
  }
}

async function hashOpen(fd: number, name: string, onProgress?: (bytes: number) => void): Promise<HashedFile> {
  try {
    return await hashFile(fd, onProgress);
  } catch (cause) {
    throw new ClientError("read-failed", `${name} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Looked up by name, so that a file that was replaced by another counts as changed. */
function isStill(path: string, before: BigIntStats): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false });
  return (
    now !== undefined &&
    now.dev === before.dev &&
    now.ino === before.ino &&
    now.size === before.size &&
    now.mtimeNs === before.mtimeNs
  );
}
