import { spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readIfThere, readShare, requirePlace, storeShare } from "./share-file.ts";
import { threeShareFiles } from "./testing/share-files.ts";

const folder = mkdtempSync(join(tmpdir(), "share-file-"));
const path = join(folder, "mine");
const old = `${path}.old`;
let newer: Uint8Array;
let older: Uint8Array;
let oldest: Uint8Array;

beforeAll(async () => {
  [newer, older, oldest] = await threeShareFiles();
});
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const put = (place: string, content: Uint8Array | string) => writeFileSync(place, content, { mode: 0o600 });
const kept = () =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
const failure = (code: string, exit: number) => expect.objectContaining({ name: "ClientError", code, exit });

describe("storing", () => {
  test("makes a file of the holder's own", () => {
    expect(storeShare(path, newer)).toBe("stored");
    expect(kept()).toEqual({ mine: text(newer) });
    expect([statSync(path).mode & 0o777, statSync(path).nlink]).toEqual([0o600, 1]);
    expect(storeShare(path, newer)).toBe("present");
    expect(kept()).toEqual({ mine: text(newer) });
  });

  test("keeps what was there, once", () => {
    put(path, older);
    expect(storeShare(path, newer)).toBe("stored-beside-old");
    expect(kept()).toEqual({ mine: text(newer), "mine.old": text(older) });
    expect(() => storeShare(path, oldest)).toThrow(failure("cannot-create", 73));
    expect(kept()).toEqual({ mine: text(newer), "mine.old": text(older) });
  });

  test("goes on where it was stopped", () => {
    put(path, older);
    linkSync(path, old);
    expect(storeShare(path, newer)).toBe("stored-beside-old");
    expect(kept()).toEqual({ mine: text(newer), "mine.old": text(older) });
    expect(statSync(old).nlink).toBe(1);
  });

  test("through a symbolic link loses nothing either", () => {
    const elsewhere = join(folder, "elsewhere");
    put(elsewhere, older);
    symlinkSync("elsewhere", path);
    expect(storeShare(path, newer)).toBe("stored-beside-old");
    expect(kept()).toEqual({ mine: text(newer), "mine.old": text(older), elsewhere: text(older) });
  });

  test.each<[string, () => void]>([
    ["a letter", () => put(path, "a letter")],
    ["an empty file", () => put(path, "")],
    ["an altered share", () => put(path, text(older).replace('"index": 1', '"index": 2'))],
    ["a directory", () => mkdirSync(path)],
    ["a device", () => symlinkSync("/dev/zero", path)],
    ["a FIFO", () => void spawnSync("mkfifo", [path])],
  ])("writes over no %s", (_, plant) => {
    plant();
    expect(() => requirePlace(path)).toThrow(failure("cannot-create", 73));
    expect(() => storeShare(path, newer)).toThrow("something else than a share is in the way: ");
    expect(readdirSync(folder)).toEqual(["mine"]);
  });

  test("writes over nothing else under the old name", () => {
    put(path, older);
    put(old, "a letter");
    requirePlace(path);
    expect(() => storeShare(path, newer)).toThrow("something else than a share is in the way: ");
    expect(kept()).toEqual({ mine: text(older), "mine.old": "a letter" });
  });

  test("needs a folder", () => {
    expect(() => requirePlace(join(folder, "missing", "mine"))).toThrow("its directory does not exist");
    expect(() => storeShare(join(folder, "missing", "mine"), newer)).toThrow(failure("cannot-create", 73));
  });
});

describe("reading", () => {
  test("says who may read it", () => {
    put(path, newer);
    expect(readShare(path)).toMatchObject({ share: { iteration: 3, index: 1 }, exposed: false });
    chmodSync(path, 0o640);
    expect(readShare(path).exposed).toBe(true);
    expect(readIfThere(old)).toBe(undefined);
  });

  test.each<[string, string, number, () => void]>([
    ["nothing", "no-input", 66, () => undefined],
    ["a directory", "no-input", 66, () => mkdirSync(path)],
    ["a FIFO", "no-input", 66, () => void spawnSync("mkfifo", [path])],
    ["a dangling link", "read-failed", 74, () => symlinkSync("nowhere", path)],
    ["a letter", "bad-share", 65, () => put(path, "a letter")],
    ["a share that is too long", "bad-share", 65, () => put(path, text(newer) + " ".repeat(100_000))],
    ["half a share", "bad-share", 65, () => put(path, newer.subarray(0, -100))],
  ])("%s is %s", (_, code, exit, plant) => {
    plant();
    expect(() => readShare(path)).toThrow(failure(code, exit));
  });
});
