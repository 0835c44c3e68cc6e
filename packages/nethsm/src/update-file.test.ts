import { concat, toUtf8, u32be } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readUpdateFile } from "./update-file.ts";

const field = (bytes: Uint8Array) => concat(u32be(bytes.length).subarray(1), bytes);

function updateFile({
  signature = new Uint8Array(512),
  notes = toUtf8("better"),
  version = toUtf8("5.1"),
  blocks = 2,
  image = new Uint8Array(1024),
} = {}): Uint8Array {
  const head = [toUtf8("_NETHSM_UPDATE_\0"), field(signature), field(notes), field(version)];
  return concat(...head, u32be(blocks), image);
}

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (bytes: Uint8Array, size = 1000) => readUpdateFile(inPieces(bytes, size));

describe("an update file", () => {
  test("is read in pieces of any size", async () => {
    const bytes = updateFile();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length + 1 }), async (size) => {
        expect(await read(bytes, size)).toEqual({ version: "5.1", imageBytes: 1024 });
      }),
      { numRuns: 30 },
    );
  });

  test("is not read if it ends anywhere before its end, or goes on after it", async () => {
    const bytes = updateFile();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (length) => {
        await expect(read(bytes.subarray(0, length))).rejects.toThrow(/it ends \d+ bytes before the end of its/);
      }),
    );
    await expect(read(concat(bytes, new Uint8Array(1)))).rejects.toThrow("there is data after its image");
  });

  test.each([
    ["another head", toUtf8("_NETHSM_BACKUP_\0 and so on"), "it does not begin as one does"],
    ["no signature", updateFile({ signature: new Uint8Array(0) }), "it has no signature"],
    [
      "a long signature",
      updateFile({ signature: new Uint8Array(2049) }),
      "its signature claims 2049 bytes, 2048 at most",
    ],
    ["notes that are no text", updateFile({ notes: Uint8Array.of(0xff) }), "its text of release notes is not UTF-8"],
    ["another version", updateFile({ version: toUtf8("5") }), "its version is not major.minor"],
    ["no image", updateFile({ blocks: 0, image: new Uint8Array(0) }), "it has no image"],
  ])("with %s is refused", async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
  });

  test("is refused by its first wrong byte, without reading on", async () => {
    const endless = async function* () {
      yield toUtf8("_NETHSM_X");
      throw new Error("was read on");
    };
    await expect(readUpdateFile(endless())).rejects.toThrow("it does not begin as one does");
  });
});
