import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { ConfigError } from "./errors.ts";

/** Undefined if there is nothing at this path. Throws ConfigError (`unreadable`). */
export function readText(path: string): string | undefined {
  let fd: number;
  try {
    // Without O_NONBLOCK a FIFO would keep us here for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    // A link that leads nowhere was put there to be followed: what stands elsewhere is not meant instead.
    if (isNotFound(cause) && isLink(path)) throw unreadable(path, "it is a symbolic link to nothing", cause);
    if (isNotFound(cause)) return undefined;
    throw unreadable(path, messageOf(cause), cause);
  }
  try {
    if (!fstatSync(fd).isFile()) throw unreadable(path, "it is not a regular file");
    return fromUtf8(readAll(fd, path));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw unreadable(path, cause instanceof TypeError ? "it is not UTF-8" : messageOf(cause), cause);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, path: string): Uint8Array {
  // One byte more than allowed tells a file that is too large, even if it grows meanwhile.
  const buffer = new Uint8Array(limits.configBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  throw unreadable(path, `it is larger than ${limits.configBytes} bytes`);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && (thrown.code === "ENOENT" || thrown.code === "ENOTDIR");
}

function unreadable(path: string, reason: string, cause?: unknown): ConfigError {
  return new ConfigError("unreadable", `cannot read ${path}: ${reason}`, { cause });
}
