import { keyMechanisms, roles } from "@signstar/nethsm/types";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeKey, decodeUser, encodeKey, encodeUser } from "./records.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test("users come back as they were, with any bytes in salt and digest", () => {
  const user = fc.record({
    realName: text,
    salt: bytes(16),
    digest: bytes(32),
    role: fc.constantFrom(...roles),
    tags: fc.array(text),
  });
  fc.assert(
    fc.property(user, (value) => {
      expect(decodeUser(encodeUser(value))).toEqual(value);
    }),
  );
});

test("keys come back as they were", () => {
  const key = fc.record({
    mechanisms: fc.array(fc.constantFrom(...keyMechanisms)),
    private: fc.oneof(
      fc.record({ kind: fc.constant("raw" as const), bytes: fc.uint8Array() }),
      fc.record({ kind: fc.constant("pem" as const), pem: fc.string() }),
    ),
    certificate: fc.option(fc.uint8Array(), { nil: undefined }),
    operations: fc.nat(),
    tags: fc.array(text),
    label: text,
  });
  fc.assert(
    fc.property(key, (value) => {
      expect(decodeKey(encodeKey(value))).toEqual(value);
    }),
  );
});

test("bytes stand unescaped in the record but for control characters, quote, backslash and DEL", () => {
  const digest = Uint8Array.of(0x00, 0x1f, 0x22, 0x5c, 0x7f, 0x80, 0xff);
  const record = encodeUser({ realName: "ä", salt: new Uint8Array(0), digest, role: "Operator", tags: [] });
  expect(Buffer.from(record).toString("latin1")).toBe(
    '{"name":"Ã¤","salt":"","digest":"\\u0000\\u001f\\"\\\\\\u007f\x80ÿ","role":"Operator","tags":[]}',
  );
});
