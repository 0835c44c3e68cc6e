import { concat, fromHex, stripLeadingZeros } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenPgpError } from "./error.ts";
import { bitLength, encodeMpi, readMpi } from "./mpi.ts";
import { ByteReader } from "./reader.ts";

const read = (bytes: Uint8Array) => readMpi(new ByteReader(bytes, "test"));

describe("numbers", () => {
  test.each([
    ["01", "000101"],
    ["01ff", "000901ff"], // RFC 9580 §3.2
    ["0001ff", "000901ff"],
    ["80", "000880"],
  ])("%s is written as %s", (number, mpi) => {
    expect(encodeMpi(fromHex(number))).toEqual(fromHex(mpi));
  });

  test("reading gives back what was written, without leading zeros", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 1024 }), (number) => {
        fc.pre(bitLength(number) > 0);
        expect(read(encodeMpi(number))).toEqual(stripLeadingZeros(number));
      }),
    );
  });

  test("what is read has one spelling", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.uint8Array({ maxLength: 5 }), (bits, number) => {
        const bytes = concat(Uint8Array.of(0, bits), number);
        const reader = new ByteReader(bytes, "test");
        try {
          const value = readMpi(reader);
          reader.end();
          expect(encodeMpi(value)).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(OpenPgpError);
        }
      }),
    );
  });

  test.each([
    ["zero", "0000", "malformed"],
    ["a bit count that is too large", "001001ff", "malformed"],
    ["a bit count that is too small", "000801ff", "malformed"],
    ["a leading zero byte", "001000ff", "malformed"],
    ["a top bit beyond the count", "000703ff", "malformed"],
    ["8193 bits", "2001", "too-large"],
    ["a missing byte", "0009ff", "truncated"],
  ])("%s is refused", (_, bytes, code) => {
    expect(() => read(fromHex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  test("zero and too many bits cannot be written", () => {
    expect(() => encodeMpi(Uint8Array.of(0, 0))).toThrow(OpenPgpError);
    expect(() => encodeMpi(new Uint8Array(1025).fill(255))).toThrow(OpenPgpError);
  });
});
