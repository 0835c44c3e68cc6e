import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  concat,
  equal,
  fromBase64,
  fromHex,
  fromUtf8,
  leftPad,
  stripLeadingZeros,
  toBase64,
  toHex,
  toUtf8,
  u16be,
  u32be,
} from "./bytes.ts";

const bytes = () => fc.uint8Array({ maxLength: 300 });

describe("hexadecimal", () => {
  test("decoding inverts encoding", () => {
    fc.assert(fc.property(bytes(), (value) => equal(fromHex(toHex(value)), value)));
  });

  test.each(["0", "0g", " 00", "00 ", "0x00"])("refuses %j", (text) => {
    expect(() => fromHex(text)).toThrow(RangeError);
  });
});

describe("base64", () => {
  test("decoding inverts encoding", () => {
    fc.assert(fc.property(bytes(), (value) => equal(fromBase64(toBase64(value)), value)));
  });

  test("accepts one spelling of each value only", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."AZaz09+/=-_ \n"), maxLength: 12 }), (text) => {
        let value: Uint8Array;
        try {
          value = fromBase64(text);
        } catch {
          return true;
        }
        return toBase64(value) === text;
      }),
    );
  });

  test.each(["AA", "AA=", "AB==", "AA==\n", "_-==", "A"])("refuses %j", (text) => {
    expect(() => fromBase64(text)).toThrow(RangeError);
  });
});

test("big-endian integers have their length and refuse what does not fit", () => {
  expect(toHex(u16be(0x0102))).toBe("0102");
  expect(toHex(u32be(0xfffefdfc))).toBe("fffefdfc");
  for (const bad of [-1, 0x1_0000_0000, 1.5, Number.NaN]) expect(() => u32be(bad)).toThrow(RangeError);
  expect(() => u16be(0x1_0000)).toThrow(RangeError);
});

test("padding to a length inverts stripping leading zeros", () => {
  fc.assert(fc.property(bytes(), (value) => equal(leftPad(stripLeadingZeros(value), value.length), value)));
  expect(() => leftPad(Uint8Array.of(1, 0), 1)).toThrow(RangeError);
});

test("concatenation keeps every byte in order", () => {
  expect(toHex(concat(fromHex("01"), new Uint8Array(0), fromHex("0203")))).toBe("010203");
});

test("text survives UTF-8, a byte order mark included, and invalid bytes are an error", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => fromUtf8(toUtf8(text)) === text));
  expect(fromUtf8(toUtf8("\ufeffx"))).toBe("\ufeffx");
  expect(() => fromUtf8(Uint8Array.of(0xc3, 0x28))).toThrow(TypeError);
});
