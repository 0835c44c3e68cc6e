import * as fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, suggestion } from "./suggestion.ts";
import { parseDuration, parseSize } from "./units.ts";

test.each([
  ["treshold", ' (did you mean "threshold"?)'],
  ["Threshold", ' (did you mean "threshold"?)'],
  ["number_of_share", ' (did you mean "number_of_shares"?)'],
  ["iteration", ""],
  ["x", ""],
  ["", ""],
])("%j suggests%s", (word, text) => {
  expect(suggestion(word, ["threshold", "number_of_shares"])).toBe(text);
});

test("the distance is a metric, and a prefix is as far as its rest is long", () => {
  const word = fc.string({ maxLength: 6, unit: fc.constantFrom("a", "b", "c") });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b, 99)).toBe(editDistance(b, a, 99));
      expect(editDistance(a, b, 99) === 0).toBe(a === b);
      expect(editDistance(a, c, 99)).toBeLessThanOrEqual(editDistance(a, b, 99) + editDistance(b, c, 99));
      expect(editDistance(a, a + b, 99)).toBe(b.length);
      expect(editDistance(a, b, 2)).toBe(Math.min(2, editDistance(a, b, 99)));
    }),
  );
});

test("durations and sizes", () => {
  expect(["90s", "30m", "24h", "2d"].map((text) => parseDuration(text, 0, 1e9))).toEqual([90e3, 18e5, 864e5, 1728e5]);
  expect(["7B", "1KiB", "2MiB", "3GiB"].map((text) => parseSize(text, 0, 2 ** 40))).toEqual([
    7,
    2 ** 10,
    2 ** 21,
    3 * 2 ** 30,
  ]);
  for (const text of ["", "1", "h", "1.5h", "-1h", " 1h", "1H", "1constructor"]) {
    expect(() => parseDuration(text, 0, 1e9)).toThrow(/is not a number with one of s, m, h, d/);
  }
  for (const text of ["1GB", "1kib", "1G"]) expect(() => parseSize(text, 0, 1e9)).toThrow(/B, KiB, MiB, GiB/);
  expect(() => parseSize("2GiB", 1024, 2 ** 30)).toThrow("2GiB is not in 1KiB to 1GiB");
});
