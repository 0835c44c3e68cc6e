import { existsSync, readFileSync } from "node:fs";
import { parse as parseOther } from "@iarna/toml";
import { parse as parseToml } from "smol-toml";
import { describe, expect, test } from "vitest";
import { ConfigError } from "./errors.ts";
import { parseConfig } from "./parse.ts";

const folder = new URL("../../../../shared/data/config/", import.meta.url);
const present = existsSync(folder);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
/** `good`, or what is wrong with the file. */
const expectations = present ? stringsOf(JSON.parse(read("expectations.json"))) : {};

/** What else is wrong in a sample that was made to show one thing, because it was made by copying a mapping. */
const besides: Readonly<Record<string, RegExp>> = { "duplicate NetHSM user": /duplicate tag tag1,/ };

describe.skipIf(!present)("samples of 2024-12 and 2025 (skipped without ../shared)", () => {
  test("there are good and bad ones", () => {
    expect(Object.values(expectations).filter((reason) => reason === "good").length).toBeGreaterThan(15);
    expect(Object.values(expectations).filter((reason) => reason !== "good").length).toBeGreaterThan(25);
  });

  test.each(Object.entries(expectations))("%s: %s", (name, expected) => {
    const text = read(name);
    if (expected === "good") {
      expect(parseConfig(text).mappings.length).toBeGreaterThan(0);
      return;
    }
    let thrown: unknown;
    try {
      parseConfig(text);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof ConfigError))
      throw new Error(`${name} was accepted, or failed otherwise`, { cause: thrown });
    expect(thrown.message).toContain(expected);
    for (const problem of thrown.problems) {
      if (besides[expected]?.test(problem.message)) continue;
      expect(problem.message).toContain(expected);
      expect(problem.line).toBeGreaterThan(0);
    }
  });

  test.each(Object.keys(expectations))("an independent parser reads the same from %s", (name) => {
    const text = read(name);
    expect(JSON.parse(JSON.stringify(parseToml(text)))).toEqual(JSON.parse(JSON.stringify(parseOther(text))));
  });
});

function stringsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(value ?? {}).map(([name, reason]) => [name, String(reason)]));
}
