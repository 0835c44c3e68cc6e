import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isOfLiving, marker } from "./living.ts";
import { namesIn, streamSafeFile } from "./safe-file.ts";
import { StagedFile } from "./staging.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "staging-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const names = () => readdirSync(directory).sort();

describe("a staged file", () => {
  test("has its name only when it is committed", async () => {
    using file = new StagedFile(directory);
    await file.write(Buffer.from("first "));
    await file.write(Buffer.from("second"));
    file.sync();
    expect(names()).toEqual([expect.stringMatching(/^\.\d+-\d+-[0-9a-f]{8}\.part$/)]);
    expect(file.commit("whole")).toEqual([]);
    expect(names()).toEqual(["whole"]);
    expect(readFileSync(join(directory, "whole"), "utf8")).toBe("first second");
  });

  test("is gone if it is not", async () => {
    {
      using file = new StagedFile(directory);
      await file.write(Buffer.from("half"));
    }
    expect(names()).toEqual([]);
  });

  test("makes the oldest give way, and removes what the dead have left", () => {
    for (const [i, name] of ["a", "b", "c", "d"].entries()) {
      writeFileSync(join(directory, name), name);
      utimesSync(join(directory, name), i, i);
    }
    const dead = spawnSync("true").pid;
    writeFileSync(join(directory, `.${dead}-1-00000000.part`), "left");
    writeFileSync(join(directory, ".hello.part"), "left");
    using file = new StagedFile(directory);
    expect(file.commit("e")).toEqual(["b", "a"]);
    expect(names()).toEqual(["c", "d", "e"]);
  });

  test("is one of three at a time", () => {
    using stack = new DisposableStack();
    for (let i = 0; i < 3; i += 1) stack.use(new StagedFile(directory));
    expect(() => new StagedFile(directory)).toThrow("3 uploads into");
    expect(names().length).toBe(3);
  });

  test("is made in a real directory only", () => {
    symlinkSync(directory, `${directory}.link`);
    const at = (path: string) => () => new StagedFile(path);
    expect(at(`${directory}.link`)).toThrow("is not a directory");
    rmSync(`${directory}.link`);
    expect(at(`${directory}/missing`)).toThrow("does not exist");
  });
});

describe("a marker", () => {
  test("is alive as long as this very process is", () => {
    expect(isOfLiving(marker())).toBe(true);
    const [pid, start, random] = marker().split("-");
    // Another process that has got our number.
    expect(isOfLiving(`${pid}-${Number(start) - 1}-${random}`)).toBe(false);
    for (const text of ["", "1", `${pid}-${start}`, `../${marker()}`]) expect(isOfLiving(text)).toBe(false);
  });
});

describe("safe files", () => {
  test("can be read piece by piece, under the same rules", async () => {
    const path = join(directory, "file");
    writeFileSync(path, "x".repeat(200_000), { mode: 0o640 });
    const rules = { owners: [process.geteuid?.() ?? -1], mode: "readable" } as const;
    const { size, pieces } = streamSafeFile(path, rules);
    let length = 0;
    for await (const piece of pieces) length += piece.length;
    expect([size, length]).toEqual([200_000, 200_000]);
    expect(() => streamSafeFile(path, { ...rules, mode: "private" })).toThrow("has mode 0640, not 0600");
    symlinkSync(path, `${path}.link`);
    expect(() => streamSafeFile(`${path}.link`, rules)).toThrow("is a symbolic link");
  });

  test("are listed; a missing directory has none", () => {
    mkdirSync(join(directory, "b"));
    writeFileSync(join(directory, "a"), "");
    expect(namesIn(directory)).toEqual(["a", "b"]);
    expect(namesIn(join(directory, "c"))).toEqual([]);
    expect(() => namesIn(join(directory, "a"))).toThrow("cannot be read");
  });
});
