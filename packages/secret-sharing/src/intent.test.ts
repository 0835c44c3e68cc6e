import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeIntent,
  encodeIntent,
  fileIntents,
  formatIntent,
  type Intent,
  parseIntent,
  plainIntents,
} from "./intent.ts";

const digest = "0123456789abcdef".repeat(4);
const refused = expect.objectContaining({ name: "SharingError", code: "unknown-intent", exit: 64, clientSafe: true });

const intents: fc.Arbitrary<Intent> = fc.oneof(
  fc.constantFrom(...plainIntents).map((kind) => ({ kind })),
  fc.record({
    kind: fc.constantFrom(...fileIntents),
    sha256: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 }),
  }),
);

describe("an intent", () => {
  test("is parsed from the words that it is formatted as, and from its line", () => {
    fc.assert(
      fc.property(intents, (intent) => {
        expect(parseIntent(formatIntent(intent).split(" "))).toEqual(intent);
        expect(decodeIntent(encodeIntent(intent))).toEqual(intent);
      }),
    );
  });

  test("without a word means apply", () => {
    expect(parseIntent([])).toEqual({ kind: "apply" });
  });

  test("takes a digest in capitals, as some programs print it", () => {
    expect(formatIntent(parseIntent(["restore", digest.toUpperCase()]))).toBe(`restore ${digest}`);
  });

  test.each([
    ["an unknown word", ["shell"], "these words are no intent"],
    ["an empty word", [""], "these words are no intent"],
    ["another case", ["Apply"], "these words are no intent"],
    ["a name that every object has", ["constructor"], "these words are no intent"],
    ["a word too many", ["reboot", "now"], "nothing goes with reboot"],
    ["no digest", ["restore"], "restore needs the SHA-256"],
    ["a short digest", ["update", digest.slice(1)], "update needs the SHA-256"],
    ["a digest and more", ["update", digest, digest], "update needs the SHA-256"],
  ])("is not %s", (_, words, message) => {
    expect(() => parseIntent(words)).toThrow(refused);
    expect(() => parseIntent(words)).toThrow(message);
  });

  test.each([
    ["without its line end", "apply"],
    ["with two line ends", "apply\n\n"],
    ["with a blank", "apply \n"],
    ["empty", "\n"],
    ["with a digest in capitals", `restore ${digest.toUpperCase()}\n`],
    ["very long", `restore ${digest.repeat(100)}\n`],
  ])("is not read from a line %s", (_, text) => {
    expect(() => decodeIntent(toUtf8(text))).toThrow(refused);
  });

  test("is not read from what is no text", () => {
    expect(() => decodeIntent(Uint8Array.of(0xff, 0x0a))).toThrow(refused);
  });

  test("is decoded only from what it is encoded as", () => {
    fc.assert(
      fc.property(intents, fc.nat(80), fc.nat(255), (intent, at, byte) => {
        const bytes = encodeIntent(intent);
        bytes[at % bytes.length] = byte;
        let read: Intent;
        try {
          read = decodeIntent(bytes);
        } catch (thrown) {
          expect(thrown).toEqual(refused);
          return;
        }
        expect(encodeIntent(read)).toEqual(bytes);
      }),
    );
  });
});
