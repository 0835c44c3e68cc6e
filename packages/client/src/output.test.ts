import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toUtf8 } from "@signstar/primitives/bytes";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { writeTarget } from "./new-file.ts";
import { checkTarget, planTargets } from "./output.ts";

const folder = mkdtempSync(join(tmpdir(), "output-"));
const file = join(folder, "file");
const target = join(folder, "file.sig");
const bytes = toUtf8("signature");
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  writeFileSync(file, "data");
});
afterAll(() => rmSync(folder, { recursive: true }));

const plain = { output: undefined, outputDir: undefined, armor: false };
const usage = expect.objectContaining({ code: "usage", exit: 64 });
const cannotCreate = expect.objectContaining({ code: "cannot-create", exit: 73 });

describe("targets", () => {
  test("stand beside the files, binary or armored, or in a directory", () => {
    expect(planTargets(["a", "b/c", "-d"], plain)).toEqual(["a.sig", "b/c.sig", "-d.sig"]);
    expect(planTargets(["b/c"], { ...plain, armor: true })).toEqual(["b/c.asc"]);
    expect(planTargets(["a", "b/c"], { ...plain, outputDir: "/o" })).toEqual(["/o/a.sig", "/o/c.sig"]);
  });

  test("of one file may be named, and of standard input is standard output", () => {
    expect(planTargets(["a"], { ...plain, output: "x" })).toEqual(["x"]);
    expect(planTargets(["a"], { ...plain, output: "-" })).toEqual([undefined]);
    expect(planTargets(["-"], plain)).toEqual([undefined]);
    expect(planTargets(["-"], { ...plain, output: "x" })).toEqual(["x"]);
  });

  test.each([
    ["one name for two files", ["a", "b"], { ...plain, output: "x" }],
    ["both ways to name the place", ["a"], { ...plain, output: "x", outputDir: "d" }],
    ["two files of one name in a directory", ["a/x", "b/x"], { ...plain, outputDir: "d" }],
    ["a file twice", ["a", "a"], plain],
    ["standard input twice", ["-", "-"], plain],
    ["standard input without a name in a directory", ["-"], { ...plain, outputDir: "d" }],
  ])("are refused: %s", (_, files, options) => {
    expect(() => planTargets(files, options)).toThrow(usage);
  });
});

describe("before the work", () => {
  test("a free place is fine, a taken one needs force", () => {
    expect(() => checkTarget(target, file, false)).not.toThrow();
    writeFileSync(target, "old");
    expect(() => checkTarget(target, file, false)).toThrow(cannotCreate);
    expect(() => checkTarget(target, file, true)).not.toThrow();
  });

  test("the file itself is never overwritten, under whatever name", () => {
    linkSync(file, target);
    expect(() => checkTarget(file, file, true)).toThrow(usage);
    expect(() => checkTarget(target, file, true)).toThrow(usage);
  });

  test("a directory, a link and a missing directory are refused", () => {
    mkdirSync(target);
    expect(() => checkTarget(target, file, true)).toThrow(cannotCreate);
    symlinkSync(file, join(folder, "link"));
    expect(() => checkTarget(join(folder, "link"), file, true)).toThrow(cannotCreate);
    expect(() => checkTarget("/dev/stdout", file, true)).toThrow(cannotCreate);
    expect(() => checkTarget(join(folder, "none", "x"), file, true)).toThrow(cannotCreate);
  });
});

describe("writing", () => {
  test("leaves one whole file and nothing else", () => {
    writeTarget(target, bytes, false);
    expect(readFileSync(target, "utf8")).toBe("signature");
    expect(readdirSync(folder).toSorted()).toEqual(["file", "file.sig"]);
  });

  test("does not overwrite what appeared meanwhile, and leaves no temporary file behind", () => {
    writeFileSync(target, "other");
    expect(() => writeTarget(target, bytes, false)).toThrow(cannotCreate);
    expect(readFileSync(target, "utf8")).toBe("other");
    expect(readdirSync(folder).toSorted()).toEqual(["file", "file.sig"]);
  });

  test("replaces with force, as a new file: another name of the old one keeps its content", () => {
    writeFileSync(target, "old");
    linkSync(target, join(folder, "kept"));
    writeTarget(target, bytes, true);
    expect(readFileSync(target, "utf8")).toBe("signature");
    expect(readFileSync(join(folder, "kept"), "utf8")).toBe("old");
  });

  test("into a directory that is gone, or over a directory, fails and leaves nothing", () => {
    expect(() => writeTarget(join(folder, "none", "x"), bytes, false)).toThrow(cannotCreate);
    mkdirSync(target);
    expect(() => writeTarget(target, bytes, true)).toThrow(cannotCreate);
    expect(existsSync(join(target, "file.sig"))).toBe(false);
    expect(readdirSync(folder).toSorted()).toEqual(["file", "file.sig"]);
  });
});
