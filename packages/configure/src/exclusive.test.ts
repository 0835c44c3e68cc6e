import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exclusively } from "./exclusive.ts";

let directory: string;
let lock: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "signstar-lock-"));
  lock = join(directory, "run/signstar/configure.lock");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("one at a time, and then the next", async () => {
  const first = await exclusively(lock, async () => {
    await expect(exclusively(lock, async () => "second")).rejects.toMatchObject({ code: "running", exit: 75 });
    return "first";
  });
  expect(first).toBe("first");
  expect(await exclusively(lock, async () => "third")).toBe("third");
  expect(lstatSync(lock).mode & 0o777).toBe(0o600);
});

test("a failure frees it", async () => {
  const failure = new Error("failed");
  await expect(exclusively(lock, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await exclusively(lock, async () => "next")).toBe("next");
});

test("what is no file of ours is not locked, and said so", async () => {
  mkdirSync(dirname(lock), { recursive: true });
  symlinkSync(join(directory, "elsewhere"), lock);
  await expect(exclusively(lock, async () => "work")).rejects.toMatchObject({ code: "io", exit: 74 });
  expect(readdirSync(directory)).toEqual(["run"]);
});
