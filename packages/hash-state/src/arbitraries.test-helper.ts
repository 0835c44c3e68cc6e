/** Arbitraries shared by this room's tests. */
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { freshSha512, type Sha512State } from "./sha512-state.ts";

export const anyWord = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
export const anyTail = fc.uint8Array({ maxLength: 127 });

/** Any state that the parser accepts. */
export const anyState: fc.Arbitrary<Sha512State> = fc.oneof(
  anyTail.map((tail) => ({ ...freshSha512, tail })),
  fc.record({
    words: fc.array(anyWord, { minLength: 8, maxLength: 8 }),
    blocks: fc.bigInt({ min: 1n, max: 2n ** 56n - 1n }),
    tail: anyTail,
  }),
);

export function nodeSha512(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha512").update(bytes).digest());
}
