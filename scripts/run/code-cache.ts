/**
 * The compiled form of a program, beside which it is never needed. V8 tells by itself whether it is of this V8 with
 * these flags, but of the program only that it had this length; so the file is named after the program's digest.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename, join } from "node:path";

export interface Program {
  /** The program as the body of a function, as Node.js itself wraps modules; lines keep their numbers. */
  readonly text: string;
  /** Name of the file that holds its compiled form. */
  readonly cache: string;
  readonly uid: number;
  readonly mtimeMs: number;
}

const before = "(function (exports, require, module, __filename, __dirname) { ";
const after = "\n})";

/** Undefined if it is not one that the build has made. */
export function readProgram(path: string): Program | undefined {
  const fd = openSync(path, "r");
  try {
    const { size, uid, mtimeMs } = fstatSync(fd);
    const bytes = Buffer.allocUnsafe(before.length + size + after.length);
    if (readSync(fd, bytes, before.length, size, 0) !== size) return undefined;
    // `#!` may stand at the very beginning only.
    if (bytes.toString("latin1", before.length, before.length + 2) !== "#!") return undefined;
    bytes.write(`${before}//`, 0, "latin1");
    bytes.write(after, before.length + size, "latin1");
    const build = /^\/\/ build ([0-9a-f]{32})$/m.exec(bytes.toString("latin1", 0, 1024))?.[1];
    if (build === undefined) return undefined;
    const cache = `${basename(path)}.${build}.${process.version}-${process.arch}`;
    return { text: bytes.toString("latin1"), cache, uid, mtimeMs };
  } finally {
    closeSync(fd);
  }
}

/** Where caches lie: beside the script that asks. */
export function cacheDirectory(beside: string): string {
  return join(beside, "code-cache");
}
