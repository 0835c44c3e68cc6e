import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal, fromHex, stripLeadingZeros, toHex } from "./bytes.ts";
import { DerError, DerReader, derElement, derUint, Tag } from "./der.ts";

describe("integers", () => {
  // X.690 §8.3
  test.each([
    ["", "020100"],
    ["00", "020100"],
    ["7f", "02017f"],
    ["80", "02020080"],
    ["0100", "02020100"],
    ["00ff", "020200ff"],
  ])("number %j is %s", (number, encoded) => {
    expect(toHex(derUint(fromHex(number)))).toBe(encoded);
  });

  test("reading inverts writing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (number) => {
        const reader = new DerReader(derUint(number));
        const read = reader.readUint();
        reader.end();
        return equal(read, stripLeadingZeros(number));
      }),
    );
  });

  test.each([
    ["0200", "without content"],
    ["020180", "negative"],
    ["0202007f", "minimal"],
    ["02020000", "minimal"],
  ])("refuses %s", (hex, reason) => {
    expect(() => new DerReader(fromHex(hex)).readUint()).toThrow(reason);
  });
});

describe("elements", () => {
  test.each([0, 1, 127, 128, 255, 256, 65_535, 65_536])("of %i bytes survive", (length) => {
    const content = new Uint8Array(length).fill(7);
    const reader = new DerReader(derElement(Tag.octetString, content));
    expect(equal(reader.read(Tag.octetString), content)).toBe(true);
    reader.end();
  });

  test.each([
    ["", "unexpected end"],
    ["30", "unexpected end"],
    ["3080", "indefinite"],
    ["30810100", "not minimal"],
    ["3082007f", "not minimal"],
    ["308400000001ff", "oversized"],
    ["3002ff", "longer than its container"],
    ["0400", "where 0x30 is wanted"],
  ])("refuses %j", (hex, reason) => {
    expect(() => new DerReader(fromHex(hex)).read(Tag.sequence)).toThrow(reason);
  });

  test("trailing bytes are an error", () => {
    const reader = new DerReader(fromHex("300000"));
    reader.read(Tag.sequence);
    expect(() => reader.end()).toThrow(DerError);
  });

  test("whatever is read was written that way: nothing is malleable", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const reader = new DerReader(bytes);
        let content: Uint8Array;
        try {
          content = reader.read(Tag.sequence);
          reader.end();
        } catch (error) {
          return error instanceof DerError;
        }
        return equal(derElement(Tag.sequence, content), bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
