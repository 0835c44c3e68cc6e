import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { hashSource, requestName, sizeHint } from "./source-file.ts";

const folder = mkdtempSync(join(tmpdir(), "source-"));
afterAll(() => rmSync(folder, { recursive: true }));

function make(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function sha512(content: string | Uint8Array): string {
  return createHash("sha512").update(content).digest("hex");
}

test.each(["plain", "with\nnewline", "\u001b[31m", "-rf", " ", "ä", "'\"$x"])(
  "a file named %j is hashed",
  async (name) => {
    const path = make(name, "content");
    const { digest, size } = await hashSource(path);
    expect(Buffer.from(digest).toString("hex")).toBe(sha512("content"));
    expect(size).toBe(7n);
    expect(requestName(path)).toBe(name);
  },
);

test("an empty file is a file", async () => {
  const { digest, size } = await hashSource(make("empty", ""));
  expect(Buffer.from(digest).toString("hex")).toBe(sha512(""));
  expect(size).toBe(0n);
});

test("a pipe is hashed to its end", async () => {
  const path = join(folder, "fifo");
  execFileSync("mkfifo", [path]);
  spawn("sh", ["-c", 'printf content > "$1"', "sh", path]);
  expect(Buffer.from((await hashSource(path)).digest).toString("hex")).toBe(sha512("content"));
  expect(sizeHint(path)).toBeUndefined();
});

test("standard input has neither name nor size", () => {
  expect(requestName("-")).toBeNull();
  expect(sizeHint("-")).toBeUndefined();
});

describe("what cannot be read", () => {
  test("missing files, directories", async () => {
    const missing = hashSource(join(folder, "none"));
    await expect(missing).rejects.toMatchObject({ code: "no-input", exit: 66 });
    await expect(missing).rejects.toThrow(/^\S+none cannot be opened: no such file or directory$/);
    await expect(hashSource(folder)).rejects.toMatchObject({ code: "no-input", exit: 66 });
  });

  test("a file that fails while it is read", async () => {
    // Address 0 of a process is never mapped: opening works, reading gives EIO.
    await expect(hashSource("/proc/self/mem")).rejects.toMatchObject({ code: "read-failed", exit: 74 });
  });
});

describe("a file that changes while it is read", () => {
  const big = new Uint8Array(24 * 1024 * 1024);
  const changes: [string, (path: string) => void][] = [
    ["grows", (path) => appendFileSync(path, "x")],
    ["shrinks", (path) => truncateSync(path, 1)],
    ["is rewritten in place", (path) => utimesSync(path, 1, 1)],
    [
      "is replaced",
      (path) => {
        writeFileSync(`${path}.new`, big);
        renameSync(`${path}.new`, path);
      },
    ],
    ["is removed", (path) => rmSync(path)],
  ];
  test.each(changes)("%s", async (name, change) => {
    const path = make(name, big);
    let done = false;
    const hashing = hashSource(path, () => {
      if (!done) change(path);
      done = true;
    });
    await expect(hashing).rejects.toMatchObject({ code: "file-changed", exit: 75 });
  });
});
