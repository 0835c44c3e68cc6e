import { Secret } from "@signstar/primitives/secret";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { combineShares } from "./combine.ts";
import { encodeShare, parseShare, type Share } from "./share.ts";
import { splitSecret } from "./split.ts";
import { fingerprint, random, sampleShares } from "./testing/samples.ts";

const bytesOf = (secret: Secret): number[] => secret.use((bytes) => [...bytes]);
const stored = (shares: readonly Share[]): Share[] => shares.map((share) => parseShare(encodeShare(share)));

/** Every way to take `size` of these. */
function subsets<T>(list: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return list.flatMap((item, at) => subsets(list.slice(at + 1), size - 1).map((rest) => [item, ...rest]));
}

// An implementation of our own: multiplication bit by bit, inverse by trial, x^8 + x^4 + x^3 + x + 1 (FIPS 197 §4).
function times(a: number, b: number): number {
  let product = 0;
  for (let bit = 0, power = a; bit < 8; bit += 1, power = (power << 1) ^ (power & 0x80 ? 0x11b : 0)) {
    if (b & (1 << bit)) product ^= power;
  }
  return product;
}

const inverses = Array.from(
  { length: 256 },
  (_, a) => Array.from({ length: 256 }, (_, b) => b).find((b) => times(a, b) === 1) ?? 0,
);

/** The polynomial through these points, at 0. */
function atZero(points: readonly (readonly [x: number, y: number])[]): number {
  return points.reduce((sum, [x, y]) => {
    const others = points.filter(([other]) => other !== x);
    return sum ^ others.reduce((term, [other]) => times(term, times(other, inverses[other ^ x] ?? 0)), y);
  }, 0);
}

function independent(shares: readonly Share[]): number[] {
  const parts = shares.map(({ share }) => bytesOf(share));
  return (parts[0] ?? [])
    .slice(0, -1)
    .map((_, at) => atZero(parts.map((part) => [part.at(-1) ?? 0, part[at] ?? 0] as const)));
}

describe("splitting", () => {
  test.each([2, 3, 4, 5, 6])(
    "every subset of %i shares that reaches the threshold gives the secret, no other does",
    async (n) => {
      for (let threshold = 2; threshold <= n; threshold += 1) {
        const content = random(20);
        const shares = stored(await sampleShares(n, threshold, content));
        for (let size = 1; size <= n; size += 1) {
          for (const subset of subsets(shares, size)) {
            if (size >= threshold) expect(bytesOf(await combineShares(subset))).toEqual([...content]);
            else await expect(combineShares(subset)).rejects.toMatchObject({ code: "too-few-shares", exit: 66 });
          }
        }
      }
    },
  );

  test("any subset of up to 64 shares, in any order, gives the secret, as an implementation of our own says too", async () => {
    const cases = fc
      .tuple(fc.integer({ min: 2, max: 64 }), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 48 }))
      .chain(([n, t, content]) => {
        const threshold = 2 + (t % (n - 1));
        const indexes = Array.from({ length: n }, (_, position) => position);
        return fc.record({
          content: fc.constant(content),
          ...{ n: fc.constant(n), threshold: fc.constant(threshold) },
          chosen: fc.shuffledSubarray(indexes, { minLength: threshold, maxLength: n }),
        });
      });
    await fc.assert(
      fc.asyncProperty(cases, async ({ n, threshold, content, chosen }) => {
        const shares = await sampleShares(n, threshold, content);
        const subset = chosen.flatMap((position) => shares[position] ?? []);
        expect(bytesOf(await combineShares(subset))).toEqual([...content]);
        expect(independent(subset.slice(0, threshold))).toEqual([...content]);
      }),
      { numRuns: 40 },
    );
  });

  test("every set is another, its coordinates are neither 0 nor twice the same", async () => {
    const content = random(16);
    const [one, other] = [await sampleShares(64, 3, content), await sampleShares(64, 3, content)];
    expect(one[0]?.set).not.toBe(other[0]?.set);
    expect(new Set([...one, ...other].map(({ share }) => bytesOf(share).join())).size).toBe(128);
    const coordinates = one.map(({ share }) => bytesOf(share).at(-1));
    expect(new Set(coordinates).size).toBe(64);
    expect(coordinates).not.toContain(0);
    expect(one.map(({ index, holder }) => [index, holder])).toEqual(
      Array.from({ length: 64 }, (_, position) => [position + 1, fingerprint(position + 1)]),
    );
  });

  test("one share less than the threshold says nothing about a byte", async () => {
    // With 2 of 2 and one byte, a single share of either secret takes (nearly) all of the 256 values.
    const seen = new Set<number>();
    for (let round = 0; round < 3000; round += 1) {
      const [share] = await sampleShares(2, 2, Uint8Array.of(0x42));
      seen.add(share?.share.use((bytes) => bytes[0] ?? -1) ?? -1);
    }
    expect(seen.size).toBeGreaterThan(250);
  });

  const two = [fingerprint(1), fingerprint(2)];
  test.each([
    ["one holder", [fingerprint(1)], 2, 4],
    ["256 holders", Array.from({ length: 256 }, (_, position) => fingerprint(position)), 2, 4],
    ["a threshold of 1", two, 1, 4],
    ["a threshold above the number", two, 3, 4],
    ["a threshold that is no integer", two, 2.5, 4],
    ["a holder twice", [...two, fingerprint(1)], 2, 4],
    ["nothing to split", two, 2, 0],
    ["a secret that is too long", two, 2, 24 * 1024 + 1],
  ])("%s is refused", async (_, holders, threshold, length) => {
    const secret = Secret.take(new Uint8Array(length));
    await expect(splitSecret(secret, { iteration: 1, threshold, holders, random })).rejects.toMatchObject({
      name: "SharingError",
      code: "bad-split",
      exit: 78,
    });
  });
});
