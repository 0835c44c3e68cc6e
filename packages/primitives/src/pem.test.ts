import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromPem, toPem } from "./pem.ts";

test("what was written is read, whatever is around it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (der) => {
      const text = toPem("X", der);
      expect(fromPem("X", `before\n${toPem("Y", Uint8Array.of(1))}${text.replaceAll("\n", "\r\n")}`)).toEqual(der);
    }),
  );
});

test.each(["", "-----BEGIN X-----\nAAA\n-----END X-----\n", "-----BEGIN X-----\nAAAA\n-----END Y-----\n"])(
  "there is no block in %j",
  (text) => {
    expect(fromPem("X", text)).toBeUndefined();
  },
);
