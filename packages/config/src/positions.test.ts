import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { isTable } from "./field.ts";
import { formatPath, type Path } from "./path.ts";
import { findLines, lineOf } from "./positions.ts";
import { arbitraryDocument } from "./testing/toml.ts";

/** Every table, list, item and value below the root, as smol-toml sees the document. */
function pathsOf(value: unknown, path: Path = []): string[] {
  const own = path.length === 0 ? [] : [formatPath(path)];
  if (Array.isArray(value)) return own.concat(value.flatMap((item: unknown, i) => pathsOf(item, [...path, i])));
  if (isTable(value)) return own.concat(Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key])));
  return own;
}

describe("by hand", () => {
  const text = `# a comment with [table] and key = 1
top = 1 # "not a string
[a . "b.c"]
d.e = """
x = 1
"""" # one quote inside the end
f = [ # a list
  1, { g = [2,
    3] }, '''it's
[z]'''
]
[[list]]
h = 'x\\'
[list.sub]
i = 1
[[list]]
[[list.deep]]
j = { k.l = "a\\"b#", "m\\u0041" = 1 }
`;
  const lines = findLines(text);

  test.each([
    [["top"], 2],
    [["a"], 3],
    [["a", "b.c"], 3],
    [["a", "b.c", "d", "e"], 4],
    [["a", "b.c", "f"], 7],
    [["a", "b.c", "f", 0], 8],
    [["a", "b.c", "f", 1, "g", 0], 8],
    [["a", "b.c", "f", 1, "g", 1], 9],
    [["a", "b.c", "f", 2], 9],
    [["list"], 12],
    [["list", 0, "h"], 13],
    [["list", 0, "sub", "i"], 15],
    [["list", 1], 16],
    [["list", 1, "deep", 0, "j", "k", "l"], 18],
    [["list", 1, "deep", 0, "j", "mA"], 18],
  ] as const)("%j is on line %i", (path, line) => {
    expect(lineOf(lines, path)).toBe(line);
  });

  test("what is missing has the line of what it is missing in", () => {
    expect(lineOf(lines, ["list", 1, "deep", 0, "nothing", "here"])).toBe(17);
    expect(lineOf(lines, ["nothing"])).toBeUndefined();
  });

  test("finds what smol-toml finds", () => {
    expect([...lines.keys()].sort()).toEqual(pathsOf(parse(text)).sort());
  });
});

test("a byte order mark is no text", () => {
  expect([...findLines("\ufeffa = 1\n[b]\n")]).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

test("a key of very many parts costs no more than its length", () => {
  const lines = findLines(`\n${"a.".repeat(100_000)}a = 1\n`);
  expect(lineOf(lines, Array.from({ length: 100_001 }, () => "a").slice(0, 20))).toBe(2);
  expect(lines.size).toBe(16);
});

test("generated documents: the same paths as smol-toml, each on the line where it was written", () => {
  fc.assert(
    fc.property(arbitraryDocument, ({ text, written }) => {
      const lines = findLines(text);
      expect([...lines.keys()].sort()).toEqual(pathsOf(parse(text)).sort());
      for (const { path, line } of written)
        expect([formatPath(path), lines.get(formatPath(path))]).toEqual([formatPath(path), line]);
    }),
    { numRuns: 400 },
  );
});

const samples = new URL("../../../../shared/data/config/", import.meta.url);

test.skipIf(!existsSync(samples))("the same paths as smol-toml in every sample (skipped without ../shared)", () => {
  const files = readdirSync(samples, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".toml"));
  expect(files.length).toBeGreaterThan(40);
  for (const name of files) {
    const text = readFileSync(new URL(name, samples), "utf8");
    expect([...findLines(text).keys()].sort()).toEqual(pathsOf(parse(text)).sort());
  }
});
