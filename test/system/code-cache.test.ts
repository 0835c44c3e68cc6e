/** A program runs from its code cache exactly if that is its own and nobody else can have written it. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build.ts";
import { firstLine, repository } from "../../scripts/bundle.ts";

const name = "signstar-download-wireguard";

test("no program that people call says more with its cache than without", () => {
  for (const each of ["nethsm", "signstar-request-signature", "soft-nethsm"]) {
    const { stdout, stderr } = spawnSync(join(repository, "bin", each), ["--version"], { encoding: "utf8" });
    expect({ stdout, stderr }).toEqual({ stdout: expect.stringContaining(each), stderr: "" });
  }
});

beforeAll(() => buildIfStale(), 120_000);

let directory: string;
let lib: string;
let program: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "code-cache-"));
  lib = join(directory, "lib");
  program = join(directory, name);
  cpSync(join(repository, "dist/lib"), lib, { recursive: true });
  rmSync(join(lib, "code-cache"), { recursive: true });
  cpSync(join(repository, "dist", name), program);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** As the kernel starts it, but for where it is installed. */
function version(path = program): string {
  const [, words = ""] = firstLine.split("/usr/bin/node ");
  const args = [words.replaceAll("/usr/lib/signstar", lib), path, "--version"];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: directory });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout.trim();
}

const makeCache = () =>
  expect(spawnSync(process.execPath, [join(lib, "make-code-cache.cjs"), program], { encoding: "utf8" })).toMatchObject({
    status: 0,
    stderr: "",
  });

function cacheFile(): string {
  const [only = "", ...more] = readdirSync(join(lib, "code-cache"));
  expect(more).toEqual([]);
  return join(lib, "code-cache", only);
}

/** The cache of a program of the same length that says another version: whoever says that has used the cache. */
function foreignCache(): void {
  const own = readFileSync(program, "latin1");
  const other = own.replaceAll('"0.1.0"', '"6.6.6"');
  expect(other).not.toBe(own);
  writeFileSync(program, other, { mode: 0o755 });
  makeCache();
  writeFileSync(program, own);
  utimesSync(program, 1, 1);
}

const real = `${name} 0.1.0`;
const foreign = `${name} 6.6.6`;

test("the programs that the build makes have one each", () => {
  const made = readdirSync(join(repository, "dist/lib/code-cache"));
  expect(made).toContainEqual(expect.stringMatching(new RegExp(`^${name}\\.[0-9a-f]{32}\\.v\\d+\\.\\d+\\.\\d+-\\w+$`)));
});

test("a cache is made anew, and the one of another build removed", () => {
  makeCache();
  expect(version()).toBe(real);
  const former = cacheFile();
  const build = /^\/\/ build (.)/m.exec(readFileSync(program, "latin1"))?.[1];
  writeFileSync(
    program,
    readFileSync(program, "latin1")
      .replace("// build .", "")
      .replace(/^(\/\/ build )./m, build === "0" ? "$11" : "$10"),
  );
  makeCache();
  expect(cacheFile()).not.toBe(former);
  expect(version()).toBe(real);
});

test("a cache is on disk before it has its name", () => {
  const watch = join(directory, "watch.cjs");
  const calls = ["fsyncSync", "renameSync"];
  writeFileSync(
    watch,
    `const fs = require("node:fs");
    for (const name of ${JSON.stringify(calls)}) {
      const real = fs[name];
      fs[name] = (...args) => (console.log(name), real(...args));
    }`,
  );
  const args = ["--require", watch, join(lib, "make-code-cache.cjs"), program];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stdout.trim().split("\n")).toEqual(calls);
});

describe("a cache is used", () => {
  test("if it is there", () => {
    foreignCache();
    expect(version()).toBe(foreign);
  });

  test("under the program's real name, whatever link was called", () => {
    foreignCache();
    expect(spawnSync("ln", ["-s", program, join(directory, "other")]).status).toBe(0);
    expect(version(join(directory, "other"))).toBe(foreign);
    expect(version(name)).toBe(foreign);
  });
});

describe("a cache is not used", () => {
  test.each<[string, () => void]>([
    ["if there is none", () => rmSync(join(lib, "code-cache"), { recursive: true })],
    ["if run.cjs is not there", () => rmSync(join(lib, "run.cjs"))],
    ["if others can write it", () => chmodSync(cacheFile(), 0o666)],
    ["if it is older than the program", () => utimesSync(program, new Date(), new Date(Date.now() + 5000))],
    ["if it is cut off", () => truncateSync(cacheFile(), 1000)],
    ["if it is no cache", () => writeFileSync(cacheFile(), "no cache".repeat(1000))],
    ["if it is of another version of Node.js", () => renameSync(cacheFile(), cacheFile().replace(/v\d+/, "v1"))],
  ])("%s", (_, spoil) => {
    foreignCache();
    spoil();
    expect(version()).toBe(real);
  });

  test.skipIf(process.geteuid?.() !== 0)("if it is not the program's owner's", () => {
    foreignCache();
    chownSync(cacheFile(), 65534, 65534);
    expect(version()).toBe(real);
  });

  test("for a program that has become longer", () => {
    makeCache();
    writeFileSync(program, readFileSync(program, "latin1").replaceAll('"0.1.0"', '"0.1.00"'));
    utimesSync(program, 1, 1);
    expect(version()).toBe(`${name} 0.1.00`);
  });
});
