import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRecords, encodeRecords, FileStorage } from "./file-storage.ts";

const directory = () => join(mkdtempSync(join(tmpdir(), "soft-nethsm-")), "data");
const record = (byte: number) => Uint8Array.of(byte);

test("records survive, whatever they hold", () => {
  const entry = fc.tuple(fc.string({ unit: "binary", maxLength: 20 }), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const records = new Map(entries);
      expect(decodeRecords(encodeRecords(records))).toEqual(records);
    }),
  );
});

test("a commit is there after the next start; what it removes is gone", async () => {
  const path = directory();
  const first = await FileStorage.open(path);
  await first.commit(
    new Map([
      ["/a", record(1)],
      ["/b", record(2)],
    ]),
  );
  await first.commit(new Map([["/a", undefined]]));
  await first.close();
  const second = await FileStorage.open(path);
  expect([...second.records]).toEqual([["/b", record(2)]]);
  await second.close();
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(path, "store")).mode & 0o777).toBe(0o600);
});

test("a second process is refused while the first is there", async () => {
  const path = directory();
  const first = await FileStorage.open(path);
  await expect(FileStorage.open(path)).rejects.toMatchObject({ code: "data-dir-in-use", exit: 75 });
  await first.close();
  await (await FileStorage.open(path)).close();
});

test("a draft left by a crash is not read", async () => {
  const path = directory();
  const first = await FileStorage.open(path);
  await first.commit(new Map([["/a", record(1)]]));
  await first.close();
  writeFileSync(join(path, ".store.new"), "half a stor");
  const second = await FileStorage.open(path);
  expect([...second.records.keys()]).toEqual(["/a"]);
  await second.commit(new Map([["/b", record(2)]]));
  await second.close();
  expect(readdirSync(path)).toEqual(["store"]);
});

test("a commit that fails changes nothing and leaves no draft behind", async () => {
  const path = directory();
  const storage = await FileStorage.open(path);
  mkdirSync(join(path, "store"));
  await expect(storage.commit(new Map([["/a", record(1)]]))).rejects.toMatchObject({ code: "EISDIR" });
  expect([...storage.records]).toEqual([]);
  expect(readdirSync(path).sort()).toEqual([".lock", "store"]);
  await storage.close();
});

test("a damaged store is refused, not repaired", async () => {
  const path = directory();
  const first = await FileStorage.open(path);
  await first.commit(new Map([["/a", record(1)]]));
  await first.close();
  appendFileSync(join(path, "store"), "x");
  await expect(FileStorage.open(path)).rejects.toMatchObject({ code: "data-dir-corrupt", exit: 65 });
});
