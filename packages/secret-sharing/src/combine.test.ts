import { createHash } from "node:crypto";
import { toHex } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { beforeAll, describe, expect, test } from "vitest";
import { combineShares } from "./combine.ts";
import type { Share } from "./share.ts";
import { fingerprint, sampleShares } from "./testing/samples.ts";

let one: Share;
let two: Share;
let three: Share;
let stranger: Share;

beforeAll(async () => {
  const set = await sampleShares(3, 2);
  const [a, b, c] = set;
  const [, d] = await sampleShares(3, 2);
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error("too few");
  [one, two, three, stranger] = [a, b, c, d];
});

const bytes = (...values: number[]): Secret => Secret.take(Uint8Array.from(values));

/** A set whose commitments fit to these bytes, whoever made them. */
function forged(...parts: readonly number[][]): Share[] {
  const commitments = parts.map((part) => toHex(createHash("sha256").update(Uint8Array.from(part)).digest()));
  return parts.map((part, position) => ({
    ...{ set: one.set, iteration: 1, threshold: 2, numberOfShares: parts.length, index: position + 1, commitments },
    ...{ holder: fingerprint(position), share: bytes(...part) },
  }));
}

describe("combining", () => {
  test.each<[string, string, () => Share[], () => string]>([
    ["nothing", "too-few-shares", () => [], () => "no share is here"],
    ["one of two", "too-few-shares", () => [three], () => "2 shares are needed, 1 are here"],
    ["two sets", "mixed-sets", () => [one, stranger], () => `share 2 of ${stranger.holder} belongs to another set`],
    ["a share twice", "duplicate-index", () => [one, two, one], () => `share 1 of ${one.holder} is here twice`],
    ["index 0", "index-zero", () => [one, { ...two, index: 0 }], () => "shares are counted from 1"],
    ["index 4 of 3", "index-out-of-range", () => [one, { ...two, index: 4 }], () => "only 3 shares"],
    [
      "altered bytes",
      "altered-share",
      () => [one, { ...two, share: bytes(1, 2, 3, 4, 5) }],
      () => `share 2 of ${two.holder}`,
    ],
    ["another's index", "altered-share", () => [one, { ...two, index: 3 }], () => `share 3 of ${two.holder}`],
    ["another threshold", "disagreement", () => [one, { ...two, threshold: 3 }], () => "disagree about their set"],
    ["another iteration", "disagreement", () => [one, { ...two, iteration: 8 }], () => "disagree about their set"],
    ["other commitments", "disagreement", () => [one, { ...two, commitments: [] }], () => "disagree about their set"],
    ["a coordinate twice", "duplicate-index", () => forged([1, 2, 9], [3, 4, 9]), () => "same coordinate"],
    ["coordinate 0", "index-zero", () => forged([1, 2, 9], [3, 4, 0]), () => "coordinate 0"],
    ["different lengths", "disagreement", () => forged([1, 2, 9], [4, 8]), () => "different lengths"],
  ])("%s is %s", async (_, code, shares, message) => {
    await expect(combineShares(shares())).rejects.toMatchObject({
      name: "SharingError",
      code,
      clientSafe: true,
      message: expect.stringContaining(message()),
    });
  });

  test("more shares than the threshold are all looked at", async () => {
    await expect(combineShares([one, two, { ...three, share: bytes(9) }])).rejects.toMatchObject({
      code: "altered-share",
    });
  });

  test("the shares stay usable, and a wiped one is an error", async () => {
    using secret = await combineShares([three, one]);
    using again = await combineShares([two, three]);
    expect(again.equals(secret)).toBe(true);
    const wiped = { ...two, share: two.share.clone() };
    wiped.share[Symbol.dispose]();
    await expect(combineShares([one, wiped])).rejects.toThrow("wiped");
  });
});
