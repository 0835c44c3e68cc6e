/**
 * `node make-code-cache.cjs PROGRAM…`: makes the code caches of programs, beside this file, for the Node.js that runs
 * it. To be run as root wherever programs and Node.js have been installed or changed. What is compiled into a cache is
 * all of a program that sshd starts; of others what a run of them has used, because most of them is rarely needed.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { rehearsals } from "../rehearsals.ts";
import { cacheDirectory, type Program, readProgram } from "./code-cache.ts";

const [first, ...others] = process.argv.slice(2);
if (first === "--rehearse") rehearse(others);
else if (first === undefined || first.startsWith("-")) {
  console.error("usage: node make-code-cache.cjs PROGRAM…");
  process.exitCode = 64;
} else for (const path of [first, ...others]) make(resolve(path));

function make(file: string): void {
  const program = readProgram(file);
  if (program === undefined) throw new Error(`${file} is not one of Signstar's programs`);
  const directory = cacheDirectory(__dirname);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const cache = join(directory, program.cache);
  const part = join(directory, `.${program.cache}.${process.pid}`);
  const runs = rehearsals[basename(file)];
  if (runs === undefined) writeFileSync(part, compileAll(file, program));
  else rehearseAll(file, part, runs);
  settle(part);
  renameSync(part, cache);
  for (const name of readdirSync(directory)) {
    // Those of another Node.js stay: both may be installed.
    const former = name.startsWith(`${basename(file)}.`) && name.endsWith(`.${process.version}-${process.arch}`);
    if (former && name !== program.cache) rmSync(join(directory, name));
  }
}

/** On disk before it gets its name: V8 would run what a power failure has left of it, as it looks at its length only. */
function settle(part: string): void {
  const fd = openSync(part, "r");
  try {
    fchmodSync(fd, 0o644);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The flag changes when V8 compiles, not what: a cache that it made is good without it. */
function compileAll(file: string, { text }: Program): Buffer {
  setFlagsFromString("--no-lazy");
  const script = new Script(text, { filename: file });
  setFlagsFromString("--lazy");
  return script.createCachedData();
}

/** Each run begins with what those before have compiled. */
function rehearseAll(file: string, part: string, runs: readonly (readonly string[])[]): void {
  const home = mkdtempSync(join(tmpdir(), "signstar-rehearsal-"));
  try {
    for (const name of ["one", "two"]) writeFileSync(join(home, name), "");
    for (const words of runs) {
      const args = words.map((word) => word.replace("HOME", home));
      const env = { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8" };
      const { status, error } = spawnSync(process.execPath, [__filename, "--rehearse", part, file, ...args], {
        cwd: home,
        env,
        stdio: "ignore",
      });
      if (error !== undefined || status === null)
        throw new Error(`${file} ${args.join(" ")}: no rehearsal`, { cause: error });
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function rehearse([part = "", file = "", ...args]: readonly string[]): void {
  const program = readProgram(file);
  if (program === undefined) throw new Error(`${file} is not one of Signstar's programs`);
  const cachedData = ifAny(part);
  const script = new Script(program.text, { filename: file, ...(cachedData && { cachedData }) });
  process.once("exit", () => writeFileSync(part, script.createCachedData()));
  process.argv = [process.execPath, file, ...args];
  const module = { exports: {} };
  script.runInThisContext().call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
}

function ifAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
