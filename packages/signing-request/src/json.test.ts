import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isJsonObject, JsonNumber, type JsonValue, readJson, writeJson } from "./json.ts";
import { anyJson, mutated, refusalOf } from "./samples.test-helper.ts";

const most = { bytes: 65_536 };
const read = (text: string) => readJson(toUtf8(text), most);
const refused = (text: string) => refusalOf(() => read(text));

/** As JSON.parse would have it, for comparison. */
function loose(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(loose);
  return isJsonObject(value) ? Object.fromEntries(Array.from(value, ([name, member]) => [name, loose(member)])) : value;
}

describe("what is read", () => {
  test("every kind of value", () => {
    expect(read(' \t\r\n{"a": [null, true, false, 0, -1, 9007199254740991, "x"], "b": {}, "": []} ')).toEqual(
      new Map<string, JsonValue>([
        ["a", [null, true, false, 0, -1, Number.MAX_SAFE_INTEGER, "x"]],
        ["b", new Map()],
        ["", []],
      ]),
    );
  });

  test("escapes", () => {
    expect(read(String.raw`"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é"`)).toBe('"\\/\b\f\n\r\tA\u{1f600}é');
  });

  test.each(["-0", "1.0", "0.5", "1e3", "1E+3", "2e-7", "9007199254740992", "-9007199254740993", "1e999"])(
    "%s keeps its text",
    (text) => {
      expect(read(text)).toEqual(new JsonNumber(text));
    },
  );

  test("a member named __proto__ is a member", () => {
    expect(read('{"__proto__":1}')).toEqual(new Map([["__proto__", 1]]));
  });
});

describe("what is refused, and where", () => {
  test.each([
    ["", "empty", "document is empty"],
    [" \n", "empty", "document is empty"],
    ["{", "json-syntax", "line 1, column 2: a member's name is wanted"],
    ['{"a" 1}', "json-syntax", 'line 1, column 6: ":" is wanted'],
    ['{"a":1 "b"', "json-syntax", 'line 1, column 8: "," or "}" is wanted'],
    ['{"a":1,}', "json-syntax", "line 1, column 8: a member's name is wanted"],
    ["{a:1}", "json-syntax", "line 1, column 2: a member's name is wanted"],
    ["[1,]", "json-syntax", "line 1, column 4: a value is wanted"],
    ["[1 2]", "json-syntax", 'line 1, column 4: "," or "]" is wanted'],
    ['"abc', "json-syntax", "line 1, column 1: text without an end"],
    ['"a\nb"', "json-syntax", "line 1, column 3: unescaped control character in text"],
    ['"\\x"', "json-syntax", "line 1, column 3: unknown escape in text"],
    ['"\\u12g4"', "json-syntax", "line 1, column 3: unknown escape in text"],
    ["\ufeff{}", "json-syntax", "line 1, column 1: a value is wanted"],
    ["+1", "json-syntax", "line 1, column 1: a value is wanted"],
    ["NaN", "json-syntax", "line 1, column 1: a value is wanted"],
    ["// x", "json-syntax", "line 1, column 1: a value is wanted"],
    ["01", "json-trailing-data", "line 1, column 2: something follows the document's end"],
    ["1.", "json-trailing-data", "line 1, column 2: something follows the document's end"],
    ["{}\n\n  {}", "json-trailing-data", "line 3, column 3: something follows the document's end"],
    ["nullx", "json-trailing-data", "line 1, column 5: something follows the document's end"],
    ['{"a":1,\n "b":2,\n "a":3}', "json-duplicate-member", "line 3, column 2: this member occurs twice"],
    ['[{"x":{"a":1,"\\u0061":2}}]', "json-duplicate-member", "line 1, column 14: this member occurs twice"],
    ['{"\\ud800":1}', "json-lone-surrogate", "line 1, column 2: half of a surrogate pair in text"],
    ['"\\ude00\\ud83d"', "json-lone-surrogate", "line 1, column 1: half of a surrogate pair in text"],
  ])("%j", (text, code, message) => {
    const refusal = refused(text);
    expect(refusal).toEqual({ code, message: message.startsWith("line") ? `malformed JSON at ${message}` : message });
  });

  test.each([[[0xff]], [[0xc0, 0x80]], [[0x22, 0xed, 0xa0, 0x80, 0x22]], [[0x22, 0xc3]]])("bytes %j", (bytes) => {
    expect(refusalOf(() => readJson(Uint8Array.from(bytes), most))).toMatchObject({ code: "not-utf8" });
  });

  test("bounds: each is reached, none is passed", () => {
    const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${"]}".repeat(depth / 2)}`;
    expect(refused(nested(16))).toBe("accepted");
    expect(refused(nested(18))).toMatchObject({ code: "json-too-deep" });
    expect(refused("[".repeat(60_000))).toMatchObject({ code: "json-too-deep" });
    const wide = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":0`).join(",")}}`;
    expect(refused(wide(64))).toBe("accepted");
    expect(refused(`{"optional":${wide(65)}}`)).toMatchObject({ code: "json-too-many-members" });
    expect(refused(`"${"a".repeat(65_534)}"`)).toBe("accepted");
    expect(refused(`"${"a".repeat(65_535)}"`)).toMatchObject({ code: "too-large" });
  });
});

describe("laws", () => {
  test("read after write is the same value", () => {
    return fc.assert(
      fc.property(anyJson, (value) => {
        expect(read(writeJson(value))).toEqual(value);
      }),
    );
  });

  test("what is accepted, JSON.parse reads the same way, and what JSON.parse refuses is refused", () => {
    const near = anyJson.chain((value) => mutated(writeJson(value)));
    return fc.assert(
      fc.property(near, (bytes) => {
        let value: JsonValue = null;
        const accepted = refusalOf(() => {
          value = readJson(bytes, most);
        });
        if (accepted !== "accepted") return;
        // toEqual takes -0 and 0, undefined members and the like for different things; JSON text does not.
        expect(JSON.stringify(loose(value))).toBe(JSON.stringify(JSON.parse(Buffer.from(bytes).toString())));
      }),
      { numRuns: 1000 },
    );
  });
});
