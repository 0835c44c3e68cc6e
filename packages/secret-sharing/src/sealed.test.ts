import { toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openSealed, sealContent } from "./sealed.ts";
import { random } from "./testing/samples.ts";

describe("a sealed content", () => {
  test("is opened again, and is never the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (content) => {
        const sealed = sealContent(content, random);
        expect(openSealed(sealed)).toEqual(content);
        expect(sealed.length).toBe(64 + content.length);
        expect(sealed.equals(sealContent(content, random))).toBe(false);
      }),
    );
  });

  test("leaves the caller's bytes alone and wipes its random ones", () => {
    const salt = random(32);
    const content = toUtf8("iteration = 1\n");
    sealContent(content, () => salt);
    expect([...salt]).toEqual(new Array(32).fill(0));
    expect(content).toEqual(toUtf8("iteration = 1\n"));
  });

  test("with any bit altered, or cut, is damaged", () => {
    const sealed = sealContent(toUtf8("content"), random);
    const damaged = expect.objectContaining({ name: "SharingError", code: "damaged-secret" });
    for (let length = 0; length < sealed.length; length += 1) {
      const cut = sealed.use((bytes) => Secret.take(bytes.slice(0, length)));
      expect(() => openSealed(cut)).toThrow(damaged);
    }
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const bytes = sealed.use((own) => own.slice());
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openSealed(Secret.take(bytes))).toThrow(damaged);
    }
  });
});
