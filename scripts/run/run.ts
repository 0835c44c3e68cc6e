/**
 * What the first line of every program calls, if it is installed (/usr/lib/signstar/run.cjs): runs the program from
 * its code cache. Without a cache that fits, the program is compiled as ever. Nothing is ever written here.
 */
import { closeSync, fstatSync, openSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { Script } from "node:vm";
import { cacheDirectory, type Program, readProgram } from "./code-cache.ts";

type Main = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/** As `node PROGRAM …` would: `program` is the first of the arguments. */
export function run(program: string): void {
  const path = resolve(program);
  process.argv[1] = path;
  const file = realpathSync.native(path);
  const main = compiled(file);
  if (main === undefined) {
    require(file);
    return;
  }
  const module = { exports: {} };
  main.call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
}

function compiled(file: string): Main | undefined {
  try {
    const program = readProgram(file);
    const cachedData = program && cacheOf(program);
    if (program === undefined || cachedData === undefined) return undefined;
    return new Script(program.text, { filename: file, cachedData }).runInThisContext() as Main;
  } catch {
    return undefined;
  }
}

/** Its owner is the program's, nobody else can have written it, and it is not older. Throws if there is none. */
function cacheOf({ cache, uid, mtimeMs }: Program): Buffer | undefined {
  const fd = openSync(join(cacheDirectory(__dirname), cache), "r");
  try {
    const stats = fstatSync(fd);
    const trusted = stats.isFile() && stats.uid === uid && (stats.mode & 0o022) === 0 && stats.mtimeMs >= mtimeMs;
    return trusted ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}
