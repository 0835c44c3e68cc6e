import { expect, test } from "vitest";
import { toHex } from "./bytes.ts";
import { bitString, explicit, oid, sequence, utf8 } from "./der-elements.ts";

test.each([
  ["2.5.4.3", "0603550403"],
  ["1.2.840.113549.1.9.1", "06092a864886f70d010901"],
  ["1.3.101.112", "06032b6570"],
])("object identifier %s", (dotted, hex) => {
  expect(toHex(oid(dotted))).toBe(hex);
});

test("elements hold what they are given", () => {
  expect(toHex(sequence(utf8("é"), bitString(Uint8Array.of(0x80)), explicit(3)))).toBe("300a0c02c3a903020080a300");
});
