import { concat, fromHex, toHex, u32be } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenPgpError } from "./error.ts";
import {
  binaryNotation,
  encodeSubpackets,
  isUnknownCritical,
  parseNotation,
  parseSubpackets,
  SubpacketType,
  subpacket,
} from "./subpacket.ts";

describe("subpackets", () => {
  test("parsing gives back what was encoded", () => {
    const any = fc.record({
      type: fc.integer({ min: 0, max: 127 }),
      critical: fc.boolean(),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom(190, 191, 16318, 16319, 16320).map((length) => new Uint8Array(length)),
      ),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 4 }), (subpackets) => {
        expect(parseSubpackets(encodeSubpackets(subpackets))).toEqual(subpackets);
      }),
      { numRuns: 50 },
    );
  });

  test("any bytes are read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (area) => {
        try {
          parseSubpackets(area);
        } catch (error) {
          expect(error).toBeInstanceOf(OpenPgpError);
        }
      }),
    );
  });

  test("a creation time is five octets and a length", () => {
    expect(toHex(encodeSubpackets([subpacket(SubpacketType.creationTime, u32be(0x67c5ad56))]))).toBe("050267c5ad56");
  });

  test.each([
    ["no type", "00", "malformed"],
    ["a body that ends early", "0502aa", "truncated"],
    ["a length of 4 GiB", "ffffffffff02", "truncated"],
  ])("%s is refused", (_, bytes, code) => {
    expect(() => parseSubpackets(fromHex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  test("critical and not known, or a critical notation", () => {
    const body = new Uint8Array(0);
    expect(isUnknownCritical({ type: 100, critical: true, body })).toBe(true);
    expect(isUnknownCritical({ type: SubpacketType.notation, critical: true, body })).toBe(true);
    expect(isUnknownCritical({ type: SubpacketType.creationTime, critical: true, body })).toBe(false);
    expect(isUnknownCritical({ type: 100, critical: false, body })).toBe(false);
  });
});

describe("notations", () => {
  test("parsing gives back what was encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.uint8Array(), (name, value) => {
        expect(parseNotation(binaryNotation(name, value).body)).toEqual({ name, value });
      }),
    );
  });

  test.each([
    ["lengths beyond its end", "00000000 0001 0001 61", "truncated"],
    ["bytes after its end", "00000000 0001 0000 61 62", "malformed"],
    ["a name that is not UTF-8", "00000000 0001 0000 ff", "malformed"],
  ])("%s are refused", (_, hex, code) => {
    const bytes = concat(...hex.split(" ").map(fromHex));
    expect(() => parseNotation(bytes)).toThrow(expect.objectContaining({ code }));
  });
});
