import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable } from "./printable.ts";

describe("printable", () => {
  test("leaves ordinary text alone, in any script", () => {
    expect(printable("größe 5 µm, 署名 ✓ 🖋")).toBe("größe 5 µm, 署名 ✓ 🖋");
  });

  test.each([
    ["\x1b[2J", "\\x1b[2J"],
    ["a\r\nb", "a\\x0d\\x0ab"],
    ["\u009b31m", "\\x9b31m"],
    ["\u202egpj.exe", "\\u202egpj.exe"],
    ["\u2028", "\\u2028"],
    ["\ud800", "\\ud800"],
  ])("escapes %j", (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test("never lets a control, format or separator character through, and loses nothing else", async () => {
    await fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(shown.isWellFormed()).toBe(true);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });
});
