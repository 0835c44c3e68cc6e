/** Documents and arbitraries shared by this room's tests. */
import { freshSha512, type Sha512State } from "@signstar/hash-state/sha512-state";
import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { RequestError } from "./errors.ts";
import { JsonNumber, type JsonValue } from "./json.ts";

export const sampleState: Sha512State = { ...freshSha512, tail: toUtf8("this is sample text") };

export const armored =
  "-----BEGIN PGP SIGNATURE-----\n\nwsC9BAAWCgBxBYJnCPTxCRDHhwiWcNq2vUkUgAAAAAAVAEBkYXRhLWRpZ2VzdEBh\nAA==\n=4E5I\n-----END PGP SIGNATURE-----\n";

/** Text without lone surrogates, control characters and all planes included. */
export const anyText = fc.string({ unit: "binary", maxLength: 12 });

const anyNumber = fc
  .oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((value) => (Number.isSafeInteger(value) && !Object.is(value, -0) ? value : new JsonNumber(spelled(value))));

export const { value: anyJson } = fc.letrec<{ value: JsonValue; array: JsonValue[]; object: Map<string, JsonValue> }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      anyNumber,
      anyText,
      tie("array"),
      tie("object"),
    ),
    array: fc.array(tie("value"), { maxLength: 5 }),
    object: fc.array(fc.tuple(anyText, tie("value")), { maxLength: 5 }).map((entries) => new Map(entries)),
  }),
);

export const anyState: fc.Arbitrary<Sha512State> = fc.record({
  words: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 8, maxLength: 8 }),
  blocks: fc.bigInt({ min: 1n, max: 2n ** 56n - 1n }),
  tail: fc.uint8Array({ maxLength: 127 }),
});

/** A few bytes of a document replaced, removed, doubled or put in. */
export function mutated(document: string): fc.Arbitrary<Uint8Array> {
  const bytes = toUtf8(document);
  const token = fc.oneof(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      "\\u",
      "\\ud800",
      "null",
      "1e9",
      "-0",
      "0",
      " ",
      "\u0000",
      "é",
    ),
    fc.string({ maxLength: 3 }),
  );
  const edit = fc.tuple(fc.nat(bytes.length), fc.nat(8), token, fc.constantFrom("replace", "double", "corrupt"));
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    let changed = Buffer.from(bytes);
    for (const [at, length, text, how] of edits) {
      const cut = changed.subarray(at, at + length);
      const put =
        how === "double" ? Buffer.concat([cut, cut]) : how === "corrupt" ? Buffer.of(length * 31) : Buffer.from(text);
      changed = Buffer.concat([changed.subarray(0, at), put, changed.subarray(at + length)]);
    }
    return new Uint8Array(changed);
  });
}

/** Code and message of the refusal; anything else that is thrown fails the test. */
export function refusalOf(parse: () => unknown): { code: string; message: string } | "accepted" {
  try {
    parse();
    return "accepted";
  } catch (error) {
    if (!(error instanceof RequestError) || !error.clientSafe) throw error;
    return { code: error.code, message: error.message };
  }
}

function spelled(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
