import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
} from "node:fs";
import { messageOf } from "@signstar/primitives/failure";
import { HostError, systemCode } from "./errors.ts";

export interface FileRules {
  /** Longest content, in bytes. */
  readonly maxBytes: number;
  /** Who may own the file. */
  readonly owners: readonly number[];
  /** `private`: mode exactly 0600. `readable`: any mode in which group and others cannot write. */
  readonly mode: "private" | "readable";
}

/**
 * The content of a file in a directory that someone else may be able to write: a regular file, not reached by a
 * symbolic link, with one name only, of a right owner and mode. Never waits (a FIFO is refused, not opened for ever).
 * Throws HostError: file-missing, file-unsafe, file-too-large, file-unreadable.
 */
export function readSafeFile(path: string, rules: FileRules): Uint8Array {
  const { fd } = openSafe(path, rules);
  try {
    return readUpTo(fd, path, rules.maxBytes);
  } catch (thrown) {
    throw thrown instanceof HostError ? thrown : unreadable(path, thrown);
  } finally {
    closeSync(fd);
  }
}

/**
 * The same for a file of any length: its size now, in bytes, and its content piece by piece, to be iterated once.
 * Throws HostError: file-missing, file-unsafe, file-unreadable.
 */
export function streamSafeFile(
  path: string,
  rules: Omit<FileRules, "maxBytes">,
): { readonly size: number; readonly pieces: AsyncIterable<Uint8Array> } {
  const { fd, size } = openSafe(path, rules);
  return { size, pieces: createReadStream(path, { fd }) };
}

/** The names in a directory, sorted; none if it is missing. Throws HostError (file-unreadable). */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return [];
    throw unreadable(directory, cause);
  }
}

function openSafe(path: string, rules: Omit<FileRules, "maxBytes">): { fd: number; size: number } {
  const fd = open(path);
  try {
    const stats = fstatSync(fd);
    const problem = problemOf(stats, rules);
    if (problem !== undefined) throw new HostError("file-unsafe", `${path} ${problem}`);
    return { fd, size: stats.size };
  } catch (thrown) {
    closeSync(fd);
    throw thrown instanceof HostError ? thrown : unreadable(path, thrown);
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    switch (systemCode(cause)) {
      case "ENOENT":
        throw new HostError("file-missing", `${path} does not exist`, { cause });
      case "ELOOP":
        throw new HostError("file-unsafe", `${path} is a symbolic link`, { cause });
      case "ENXIO":
        throw new HostError("file-unsafe", `${path} is not a regular file`, { cause });
      default:
        throw unreadable(path, cause);
    }
  }
}

function problemOf(stats: Stats, { owners, mode }: Omit<FileRules, "maxBytes">): string | undefined {
  if (!stats.isFile()) return "is not a regular file";
  if (!owners.includes(stats.uid)) return `belongs to uid ${stats.uid}, not to ${owners.join(" or ")}`;
  if (stats.nlink !== 1) return `has ${stats.nlink} names (hard links)`;
  const permissions = stats.mode & 0o7777;
  const shown = permissions.toString(8).padStart(4, "0");
  if (mode === "private" && permissions !== 0o600) return `has mode ${shown}, not 0600`;
  if (mode === "readable" && (permissions & 0o022) !== 0) return `can be written by others (mode ${shown})`;
  return undefined;
}

/** Reads past the limit by one byte, so that a file that grows meanwhile is noticed too. */
function readUpTo(fd: number, path: string, maxBytes: number): Uint8Array {
  const buffer = new Uint8Array(Math.min(fstatSync(fd).size, maxBytes) + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  if (length === buffer.length) {
    buffer.fill(0);
    throw new HostError("file-too-large", `${path} is longer than ${Math.min(length - 1, maxBytes)} bytes`);
  }
  return buffer.subarray(0, length);
}

function unreadable(path: string, cause: unknown): HostError {
  return new HostError("file-unreadable", `${path} cannot be read: ${messageOf(cause)}`, { cause });
}
