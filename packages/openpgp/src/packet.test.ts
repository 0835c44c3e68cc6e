import { concat, fromHex } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodePacket, readPackets } from "./packet.ts";

describe("packet framing", () => {
  test("reading gives back what was written", () => {
    const packet = fc.record({
      tag: fc.integer({ min: 1, max: 63 }),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(191, 192, 8383, 8384, 70_000).map((length) => new Uint8Array(length).fill(7)),
      ),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 5 }), (packets) => {
        expect(readPackets(concat(...packets.map(({ tag, body }) => encodePacket(tag, body))), 5)).toEqual(packets);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["new, one octet", "c201aa"],
    ["new, two octets", `c2c000${"aa".repeat(192)}`],
    ["new, five octets", "c2ff00000001aa"],
    ["old, one octet", "8801aa"],
    ["old, two octets", "890001aa"],
    ["old, four octets", "8a00000001aa"],
  ])("a header is read: %s", (_, bytes) => {
    const [packet, ...others] = readPackets(fromHex(bytes), 1);
    expect(packet?.tag).toBe(2);
    expect(packet?.body.every((byte) => byte === 0xaa)).toBe(true);
    expect(others).toEqual([]);
  });

  test.each([
    ["a partial length", "c2e1aaaa", "malformed"],
    ["an indeterminate length", "8baa", "malformed"],
    ["no header", "7f01aa", "malformed"],
    ["tag 0", "c001aa", "malformed"],
    ["a body that ends early", "c202aa", "truncated"],
    ["a length that ends early", "c2ff0000", "truncated"],
    ["a length of 4 GiB", "c2ffffffffffaa", "truncated"],
    ["more packets than allowed", "c200c200", "too-large"],
  ])("%s is refused", (_, bytes, code) => {
    expect(() => readPackets(fromHex(bytes), 1)).toThrow(expect.objectContaining({ code }));
  });
});
