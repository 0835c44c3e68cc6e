import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, constants, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { concat, toHex, toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { nodeSha512 } from "./arbitraries.test-helper.ts";
import { type BlockHasher, portableBlockHasher } from "./block-hasher.ts";
import { hashFile, hashFrom } from "./hash-file.ts";
import { nativeBlockHasher, openNativeHasher, provenNative } from "./native-block-hasher.ts";
import { finishSha512, resumeSha512 } from "./resume.ts";
import { sha512Module } from "./sha512-kernel.ts";
import { encodeSha512State, freshSha512, parseSha512State } from "./sha512-state.ts";
import { provenModule, wasmBlockHasher } from "./wasm-block-hasher.ts";

const directory = mkdtempSync(join(tmpdir(), "hash-file-"));
afterAll(() => rmSync(directory, { recursive: true }));

const hashers: readonly (readonly [string, () => BlockHasher])[] = [
  ["portable", portableBlockHasher],
  ["WebAssembly", wasmHasher],
  ["native", nativeHasher],
];

const native = await provenNative();
function nativeHasher(): BlockHasher {
  if (native === undefined) throw new Error("koffi is not installed, or Node exports no OpenSSL");
  return nativeBlockHasher(native, freshSha512.words);
}

function wasmHasher(): BlockHasher {
  const module = provenModule(sha512Module);
  if (module === undefined) throw new Error("the kernel does not pass its self-test");
  return wasmBlockHasher(module);
}

function readerOf(chunks: readonly Uint8Array[]): (buffer: Uint8Array, offset: number) => number | "later" {
  const rest: (Uint8Array | "later")[] = chunks.map((chunk) => (chunk.length === 0 ? "later" : chunk));
  return (buffer, offset) => {
    const next = rest.shift();
    if (next === undefined) return 0;
    if (next === "later") return "later";
    const fitting = next.subarray(0, buffer.length - offset);
    buffer.set(fitting, offset);
    if (fitting.length < next.length) rest.unshift(next.subarray(fitting.length));
    return fitting.length;
  };
}

describe.each(hashers)("%s hasher", (_, open) => {
  test("any bytes in any chunks: digest, state and zero fill", async () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.nat(255), fc.nat(70_000))
        .map(([byte, length]) => new Uint8Array(length).map((__, i) => byte + i * i)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(chunk, { maxLength: 6 }),
        fc.uint8Array({ maxLength: 200 }),
        async (chunks, trailer) => {
          const all = concat(...chunks);
          const hasher = open();
          const hashed = await hashFrom(readerOf(chunks), { first: hasher });
          hasher.close();
          expect(toHex(hashed.digest)).toBe(toHex(nodeSha512(all)));
          expect(hashed.size).toBe(BigInt(all.length));
          expect(hashed.state.tail).toEqual(all.slice(all.length - (all.length % 128)));
          const sent = encodeSha512State(hashed.state);
          expect(sent.subarray(81 + (all.length % 128)).every((byte) => byte === 0)).toBe(true);
          const signer = resumeSha512(parseSha512State(sent).state);
          signer.update(trailer);
          expect(toHex(signer.digest())).toBe(toHex(nodeSha512(concat(all, trailer))));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("the buffer is empty after close", async () => {
    const hasher = open();
    await hashFrom(readerOf([new Uint8Array(100_000).fill(0x41)]), { first: hasher });
    const { buffer } = hasher;
    hasher.close();
    expect(buffer.every((byte) => byte === 0)).toBe(true);
  });
});

describe("hashFile", () => {
  test("a sparse file with something at its end, and progress", async () => {
    const fd = openSync(join(directory, "sparse"), "w+");
    ftruncateSync(fd, 20 * 1024 * 1024);
    writeSync(fd, "end", 20 * 1024 * 1024);
    const seen: number[] = [];
    const { state, digest, size } = await hashFile(fd, (bytes) => seen.push(bytes));
    closeSync(fd);
    const expected = createHash("sha512")
      .update(new Uint8Array(20 * 1024 * 1024))
      .update("end")
      .digest("hex");
    expect(toHex(digest)).toBe(expected);
    expect(toHex(finishSha512(state))).toBe(expected);
    expect(size).toBe(20_971_523n);
    expect(seen).toEqual([8_388_608, 16_777_216, 20_971_523]);
  });

  test("two files at once do not mix", async () => {
    const names = ["a", "b"] as const;
    const fds = names.map((name) => {
      const fd = openSync(join(directory, name), "w+");
      for (let i = 0; i < 9; i += 1) writeSync(fd, name.repeat(1024 * 1024), i * 1024 * 1024);
      return fd;
    });
    const hashed = await Promise.all(fds.map((fd) => hashFile(fd)));
    for (const fd of fds) closeSync(fd);
    hashed.forEach(({ digest }, i) => {
      const whole = (names[i] ?? "").repeat(9 * 1024 * 1024);
      expect(toHex(digest)).toBe(createHash("sha512").update(whole).digest("hex"));
    });
  });

  test("a pipe, also one that is set to non-blocking", async () => {
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(pipe, "w");
    const hashed = hashFile(reader);
    writeSync(writer, "one");
    await setTimeout(20);
    writeSync(writer, "two");
    closeSync(writer);
    expect((await hashed).digest).toEqual(nodeSha512(toUtf8("onetwo")));
    closeSync(reader);
  });

  test("a directory and a closed descriptor", async () => {
    const fd = openSync(directory, "r");
    await expect(hashFile(fd)).rejects.toMatchObject({
      code: "file-read",
      exit: 74,
      message: "cannot hash a directory",
    });
    closeSync(fd);
    await expect(hashFile(fd)).rejects.toMatchObject({ code: "file-read", exit: 74 });
  });
});

test("the native hasher may take over anywhere", async () => {
  const bytes = fc.uint8Array({ maxLength: 2000 });
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 5 }), fc.nat(5000), async (chunks, from) => {
      const all = concat(...chunks);
      const hashed = await hashFrom(readerOf(chunks), { first: wasmHasher(), later: openNativeHasher, from });
      expect(hashed.digest).toEqual(nodeSha512(all));
      expect(hashed.size).toBe(BigInt(all.length));
    }),
    { numRuns: 30 },
  );
});

test("a file that is large enough for the native hasher has the right digest", async () => {
  const path = join(directory, "sparse");
  const fd = openSync(path, "w+");
  ftruncateSync(fd, 70 * 2 ** 20 + 77);
  writeSync(fd, "end", 70 * 2 ** 20);
  const hashed = await hashFile(fd);
  closeSync(fd);
  expect(Buffer.from(hashed.digest).toString("hex")).toBe(
    execFileSync("openssl", ["dgst", "-sha512", "-r", path], { encoding: "utf8" }).split(" ")[0],
  );
});
