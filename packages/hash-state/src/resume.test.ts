import { createHash } from "node:crypto";
import { concat, toHex } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeSha512 } from "./arbitraries.test-helper.ts";
import { finishSha512, ResumedSha512, resumeSha512 } from "./resume.ts";
import { freshSha512, type Sha512State } from "./sha512-state.ts";

function stateOf(bytes: Uint8Array): Sha512State {
  const core = new ResumedSha512(freshSha512);
  core.update(bytes);
  const whole = bytes.length - (bytes.length % 128);
  return { words: core.words(), blocks: BigInt(whole / 128), tail: bytes.slice(whole) };
}

describe("resumeSha512", () => {
  test("goes on from any split as if there had been none", () => {
    const splits = fc.tuple(
      fc.uint8Array({ maxLength: 700 }),
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
    );
    return fc.assert(
      fc.property(splits, ([before, after]) => {
        const hasher = resumeSha512(stateOf(before));
        for (const part of after) hasher.update(part);
        expect(hasher.digest()).toEqual(nodeSha512(concat(before, ...after)));
      }),
      { numRuns: 300 },
    );
  });

  test("every length around the block and padding boundaries", () => {
    const bytes = new Uint8Array(400).map((_, i) => i * 7);
    for (let length = 0; length <= bytes.length; length += 1) {
      const part = bytes.subarray(0, length);
      expect(finishSha512(stateOf(part))).toEqual(nodeSha512(part));
    }
  });

  test("does not change the state, and gives its digest once", () => {
    const state = stateOf(new Uint8Array(130).fill(9));
    const hasher = resumeSha512(state);
    hasher.update(new Uint8Array(500));
    hasher.digest();
    expect(state).toEqual(stateOf(new Uint8Array(130).fill(9)));
    expect(() => hasher.digest()).toThrow("digest already");
    expect(() => hasher.update(new Uint8Array(1))).toThrow("digest already");
  });

  test("counts beyond 2^53 bytes exactly", () => {
    // 2^56 - 1 blocks and a tail: the length field is compared with one that node:crypto hashed as plain data.
    const state: Sha512State = { words: freshSha512.words, blocks: 2n ** 56n - 1n, tail: Uint8Array.of(1, 2, 3) };
    const padded = new Uint8Array(128);
    padded.set([1, 2, 3, 0x80]);
    new DataView(padded.buffer).setBigUint64(112, 0x3n);
    new DataView(padded.buffer).setBigUint64(120, 0xffff_ffff_ffff_fc18n);
    expect(((2n ** 56n - 1n) * 128n + 3n) * 8n).toBe(0x3_ffff_ffff_ffff_fc18n);
    const compressed = new ResumedSha512(freshSha512);
    compressed.update(padded);
    const words = compressed.words().map((word) => word.toString(16).padStart(16, "0"));
    expect(toHex(finishSha512(state))).toBe(words.join(""));
  });

  test("empty", () => {
    expect(toHex(finishSha512(freshSha512))).toBe(createHash("sha512").digest("hex"));
  });
});
