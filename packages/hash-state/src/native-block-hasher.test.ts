import { describe, expect, test } from "vitest";
import { type NativeSha512, nativeBlockHasher, openNativeHasher, provenNative } from "./native-block-hasher.ts";
import { freshSha512 } from "./sha512-state.ts";

const native = await provenNative();
if (native === undefined) throw new Error("koffi is not installed, or Node exports no OpenSSL");

test("is found and goes on from any words", async () => {
  const words = [1n, 2n, 3n, 4n, 5n, 6n, 7n, (1n << 64n) - 1n];
  expect((await openNativeHasher(words))?.words()).toEqual(words);
});

test("never reads beyond its buffer, and leaves nothing in it", () => {
  const hasher = nativeBlockHasher(native, freshSha512.words);
  expect(() => hasher.compress(513)).toThrow(RangeError);
  hasher.buffer.fill(1);
  hasher.close();
  expect(hasher.buffer.every((byte) => byte === 0)).toBe(true);
});

describe("is done without", () => {
  const other = (change: Partial<NativeSha512>) => provenNative(async () => ({ ...native, ...change }));

  test("when it calculates something else", async () => {
    expect(
      await other({ update: (context, bytes, length) => native.update(context, bytes, length - 1) }),
    ).toBeUndefined();
    const flip: NativeSha512["update"] = (context, bytes, length) => {
      native.update(context, bytes, length);
      context[9] = (context[9] ?? 0) ^ 1;
    };
    expect(await other({ update: flip })).toBeUndefined();
  });

  test("when it throws or is not there", async () => {
    const fails = () => {
      throw new Error("no");
    };
    expect(await other({ update: fails })).toBeUndefined();
    expect(await provenNative(fails)).toBeUndefined();
  });
});
