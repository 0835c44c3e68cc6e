import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  IdError,
  isSystemWide,
  isValidBeforeRelease3,
  namespaceOf,
  parseKeyId,
  parseNamespaceId,
  parseSystemWideUserId,
  parseTag,
  parseUserId,
  userInNamespace,
} from "./ids.ts";

const idPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
const anId = fc.stringMatching(idPattern);
const nearlyId = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.stringMatching(/^[A-Za-z0-9_.~ -]{0,140}$/));

function codeOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    if (error instanceof IdError) return error.code;
    throw error;
  }
  return "accepted";
}

describe("an id", () => {
  test("is accepted exactly if the device accepts it", () => {
    void fc.assert(
      fc.property(fc.oneof(anId, nearlyId), (text) => {
        const expected = idPattern.test(text);
        for (const parse of [parseKeyId, parseNamespaceId, parseTag]) {
          expect(codeOf(() => parse(text)) === "accepted").toBe(expected);
        }
      }),
    );
  });

  test.each([
    ["", "id-empty"],
    ["_a", "id-bad-start"],
    [".a", "id-bad-start"],
    ["-a", "id-bad-start"],
    ["a/b", "id-bad-character"],
    ["a?b", "id-bad-character"],
    ["a\n", "id-bad-character"],
    ["ä", "id-bad-character"],
    ["n~k", "id-bad-character"],
    ["a".repeat(129), "id-too-long"],
    ["a".repeat(128), "accepted"],
    ["A0_.-", "accepted"],
  ])("%j is %s", (text, code) => {
    expect(codeOf(() => parseKeyId(text))).toBe(code);
  });

  test("is not shown raw in the message, nor in full when it is long", () => {
    expect(() => parseKeyId("a\u001b[2J")).toThrow('"a\\u001b[2J"');
    expect(() => parseKeyId("a".repeat(5000))).toThrow(/^.{0,120}$/);
  });
});

describe("a user name", () => {
  test("with namespace takes apart and together again", () => {
    void fc.assert(
      fc.property(anId, anId, (namespace, id) => {
        const user = userInNamespace(parseNamespaceId(namespace), parseSystemWideUserId(id));
        expect(parseUserId(user)).toBe(user);
        expect(namespaceOf(user)).toBe(namespace);
        expect(isSystemWide(user)).toBe(false);
        expect(codeOf(() => parseSystemWideUserId(user))).toBe("id-not-system-wide");
      }),
    );
  });

  test("without namespace is system-wide", () => {
    expect(namespaceOf(parseUserId("admin"))).toBeUndefined();
    expect(isSystemWide(parseUserId("admin"))).toBe(true);
  });

  test.each(["~a", "a~", "a~b~c", "a~_b", "_a~b", "~"])("%j is refused", (text) => {
    expect(codeOf(() => parseUserId(text))).not.toBe("accepted");
  });
});

test("releases up to 2.2 hold letters and digits only", () => {
  expect(isValidBeforeRelease3(parseKeyId("key1"))).toBe(true);
  expect(isValidBeforeRelease3(parseUserId("ns1~op1"))).toBe(true);
  for (const id of ["key-1", "key_1", "key.1"]) expect(isValidBeforeRelease3(parseKeyId(id))).toBe(false);
});
