import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeReceipt, parseReceipt, type Receipt, receiptStandings } from "./receipt.ts";
import { parseSetId } from "./share.ts";
import { fingerprint } from "./testing/samples.ts";

const set = fc.stringMatching(/^[0-9a-f]{32}$/).map(parseSetId);
const count = fc.integer({ min: 2, max: 255 });
const receipts: fc.Arbitrary<Receipt> = fc.record({
  ...{ set, index: count, numberOfShares: count, threshold: count, handedIn: count },
  standing: fc.constantFrom(...receiptStandings),
  holder: fc.nat().map(fingerprint),
  intent: fc.constantFrom("apply", `restore ${"0f".repeat(32)}`),
  inForce: fc.array(set, { maxLength: 3 }),
  void: fc.array(set, { maxLength: 3 }),
  notes: fc.array(fc.stringMatching(/^\P{Cc}{0,60}$/u), { maxLength: 3 }),
});

describe("a receipt", () => {
  test("is one line, and is read back", () => {
    fc.assert(
      fc.property(receipts, (receipt) => {
        const line = encodeReceipt(receipt);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(parseReceipt(line)).toEqual(receipt);
      }),
    );
  });

  const [sample = ""] = fc.sample(receipts, 1).map(encodeReceipt);
  test.each([
    ["nothing", ""],
    ["no object", "[]"],
    ["of something else", sample.replace('"share"', '"backup"')],
    ["without a member", sample.replace('"handed_in"', '"handed"')],
    ["with an unknown standing", sample.replace(/"standing":"[^"]*"/, '"standing":"void"')],
    ["with a note that moves the cursor", sample.replace(/"notes":\[.*\]/, '"notes":["\\u001b[2J"]')],
  ])("%s is none", (_, text) => {
    expect(() => parseReceipt(text)).toThrow(expect.objectContaining({ name: "SharingError", code: "malformed" }));
  });

  test("may say more than is known", () => {
    expect(parseReceipt(sample.replace("{", '{"more":1,'))).toEqual(parseReceipt(sample));
  });
});
