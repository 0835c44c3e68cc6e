import { spawnSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeShare } from "@signstar/secret-sharing/share";
import { sampleShares } from "@signstar/secret-sharing/testing/samples";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { effectiveUid } from "./caller.ts";
import { handedIn } from "./handed-in.ts";

const key = "a1".repeat(32);
const other = "b2".repeat(32);
let files: readonly Uint8Array[];
let directory: string;

beforeAll(async () => {
  const shares = await sampleShares(2);
  files = shares.map(encodeShare);
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "handed-in-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function put(name: string, content: string | Uint8Array = "apply\n"): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

const share = (position = 0) => files[position] ?? new Uint8Array(0);
const waiting = () => handedIn(directory, effectiveUid());

describe("what is handed in", () => {
  test("is found with its intent and the key that brought it", () => {
    put(`${key}.share`, share());
    put(`${key}.intent`);
    put(`${key}.${"0f".repeat(16)}.share`, share(1));
    put(`${key}.${"0f".repeat(16)}.intent`, `restore ${"0f".repeat(32)}\n`);
    put(`.${key}.share`, share());
    put("state.json", "{}");
    put(`${other}.intent`);
    const { shares, unusable } = waiting();
    expect(shares.map(({ name, key: by, share: { index }, intent }) => [name, by, index, intent.kind])).toEqual([
      [`${key}.${"0f".repeat(16)}`, key, 2, "restore"],
      [key, key, 1, "apply"],
    ]);
    expect(unusable).toEqual([]);
  });

  test("is on its way as long as it has no intent", () => {
    put(`${key}.share`, share());
    expect(waiting()).toEqual({ shares: [], unusable: [] });
  });

  test("is no more than the reader can hold, whoever has the account", () => {
    const names = Array.from({ length: 1025 }, (_, i) => i.toString(16).padStart(64, "0"));
    for (const name of names) {
      put(`${name}.share`, share());
      put(`${name}.intent`);
    }
    const { shares, unusable } = waiting();
    expect(shares).toHaveLength(1020);
    expect(unusable.map(({ name }) => name)).toEqual(names.slice(1020));
  });

  test("is nothing where there is no directory", () => {
    expect(handedIn(join(directory, "missing"), 0)).toEqual({ shares: [], unusable: [] });
  });

  test.each<[string, RegExp, (path: string) => void]>([
    ["a symbolic link", /is a symbolic link/, (path) => symlinkSync(put("x", share()), path)],
    ["a hard link", /has 2 names/, (path) => linkSync(put("x", share()), path)],
    ["a FIFO", /is not a regular file/, (path) => void spawnSync("mkfifo", [path])],
    ["a directory", /is not a regular file/, (path) => void mkdirSync(path)],
    ["a file that others can read", /has mode 0644/, (path) => chmodSync(put(path.slice(directory.length)), 0o644)],
    ["a file that is too long", /is longer than/, (path) => void put(path.slice(directory.length), "x".repeat(70_000))],
    ["no share", /this is not a share/, (path) => void put(path.slice(directory.length), "hello")],
    [
      "an altered share",
      /altered/,
      (path) =>
        void put(
          path.slice(directory.length),
          share().map((b, i) => (i === 60 ? b ^ 1 : b)),
        ),
    ],
  ])("is not usable as %s", (_, problem, plant) => {
    put(`${key}.intent`);
    plant(join(directory, `${key}.share`));
    expect(waiting()).toEqual({ shares: [], unusable: [{ name: key, key, problem: expect.stringMatching(problem) }] });
  });

  test("is not usable with an intent that is none, or as somebody else's file", () => {
    put(`${key}.share`, share());
    put(`${key}.intent`, "rm -rf\n");
    expect(waiting().unusable).toMatchObject([{ name: key, problem: "these words are no intent" }]);
    put(`${key}.intent`);
    expect(handedIn(directory, effectiveUid() + 1).unusable).toMatchObject([
      { problem: expect.stringContaining("belongs to uid") },
    ]);
  });
});
