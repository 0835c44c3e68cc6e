import { toBase64, toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseKeyId, parseUserId } from "./ids.ts";
import { keyInfoReader } from "./key-info.ts";
import {
  AnswerError,
  base64,
  count,
  flag,
  listOf,
  mapOf,
  object,
  oneOf,
  optional,
  parsed,
  readJson,
  readPem,
  text,
} from "./reader.ts";
import { time } from "./time.ts";
import { keyTypeRules, keyTypes } from "./types.ts";

const json = (value: unknown) => toUtf8(JSON.stringify(value));

describe("a reader", () => {
  const reader = object({ id: parsed(parseKeyId), size: count, on: flag, more: optional(listOf(text)) });

  test("takes what is right, whatever else there is", () => {
    void fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.nat(),
        fc.boolean(),
        fc.array(fc.string()),
        (others, size, on, more) => {
          const right = { id: "key-1", size, on, more };
          expect(readJson(json({ ...others, ...right }), reader)).toEqual(right);
        },
      ),
    );
  });

  test("answers anything else with an AnswerError, nothing worse", () => {
    void fc.assert(
      fc.property(fc.oneof(fc.json().map(toUtf8), fc.uint8Array()), (bytes) => {
        for (const read of [reader, listOf(reader), keyInfoReader, mapOf(text), time, base64]) {
          try {
            readJson<unknown>(bytes, read);
          } catch (error) {
            expect(error).toBeInstanceOf(AnswerError);
          }
        }
      }),
    );
  });

  test.each([
    [[], "$ is not an object"],
    [null, "$ is not an object"],
    [{}, "$.id is not a string"],
    [{ id: "key-1", size: "1" }, "$.size is not a non-negative integer"],
    [{ id: "key-1", size: 1.5 }, "$.size is not a non-negative integer"],
    [{ id: "key-1", size: -1 }, "$.size is not a non-negative integer"],
    [{ id: "key-1", size: 1, on: 0 }, "$.on is not true or false"],
    [{ id: "key-1", size: 1, on: true, more: ["a", 1] }, "$.more[1] is not a string"],
    [{ id: "../admin", size: 1, on: true }, "$.id: key id"],
  ])("says of %j that %s", (value, message) => {
    expect(() => readJson(json(value), reader)).toThrow(message);
  });

  test("is not taken in by what objects inherit", () => {
    expect(() => readJson(json({}), object({ constructor: optional(text), toString: text }))).toThrow(
      "$.toString is not a string",
    );
  });

  test.each([
    ["", "empty"],
    ["{", "not JSON"],
    ["\u0000", "not JSON"],
  ])("says of the body %j that it is %s", (body, problem) => {
    expect(() => readJson(toUtf8(body), text)).toThrow(problem);
    expect(() => readJson(Uint8Array.of(0x22, 0xff, 0x22), text)).toThrow("not JSON");
  });

  test("of base64 takes one spelling of each value", () => {
    void fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(base64(toBase64(bytes), "$")).toEqual(bytes);
      }),
    );
    for (const bad of ["AQ", "AQ=", "AR==", "AQ==\n", "_w=="]) expect(() => base64(bad, "$")).toThrow(AnswerError);
  });

  test("of choices and user names takes no others", () => {
    expect(oneOf(["on", "off"])("on", "$")).toBe("on");
    expect(() => oneOf(["on", "off"])("On", "$")).toThrow("one of on, off");
    expect(() => parsed(parseUserId)("a~b~c", "$")).toThrow(AnswerError);
  });

  test("of times takes those in UTC", () => {
    expect(time("2026-11-21T10:20:30+00:00", "$")).toEqual(new Date("2026-11-21T10:20:30Z"));
    expect(time("2026-11-21T10:20:30-00:00", "$")).toEqual(new Date("2026-11-21T10:20:30Z"));
    for (const bad of ["2026-11-21T10:20:30", "2026-11-21", "2026-11-21T10:20:30+01:00", "2026-13-21T10:20:30Z"]) {
      expect(() => time(bad, "$")).toThrow(AnswerError);
    }
  });

  test("of PEM takes nothing else", () => {
    expect(readPem(toUtf8("-----BEGIN PUBLIC KEY-----\nMAo=\n"))).toContain("MAo=");
    expect(() => readPem(toUtf8("<html>"))).toThrow("not PEM");
  });
});

describe("a key's description", () => {
  const common = { mechanisms: [], operations: 0, restrictions: {} };
  const read = (value: object) => readJson(json({ ...common, ...value }), keyInfoReader);
  const curves = keyTypes.filter((type) => type !== "RSA" && type !== "Generic" && type !== "Curve25519");

  test.each(curves)("of %s has an uncompressed point of the right length", (type) => {
    const length = keyTypeRules[type].publicBytes ?? 0;
    const point = new Uint8Array(length).fill(4);
    expect(read({ type, public: { data: toBase64(point) } }).publicKey).toEqual({ type, data: point });
    for (const bad of [point.with(0, 2), point.subarray(1), new Uint8Array(length + 1).fill(4)]) {
      expect(() => read({ type, public: { data: toBase64(bad) } })).toThrow("$.public.data");
    }
    expect(() => read({ type, public: null })).toThrow("$.public.data");
  });

  test("of Curve25519 has 32 bytes", () => {
    const data = new Uint8Array(32).fill(1);
    expect(read({ type: "Curve25519", public: { data: toBase64(data) } }).publicKey).toEqual({
      type: "Curve25519",
      data,
    });
    expect(() => read({ type: "Curve25519", public: { data: toBase64(data.subarray(1)) } })).toThrow("not 32 bytes");
  });

  test("of RSA has two numbers", () => {
    expect(read({ type: "RSA", public: { modulus: "AQID", publicExponent: "AQAB" } }).publicKey).toEqual({
      type: "RSA",
      modulus: Uint8Array.of(1, 2, 3),
      publicExponent: Uint8Array.of(1, 0, 1),
    });
    for (const bad of [undefined, {}, { modulus: "AQID" }, { modulus: "", publicExponent: "AQAB" }, { data: "AQID" }]) {
      expect(() => read({ type: "RSA", public: bad })).toThrow("$.public");
    }
  });

  test("of Generic has no public key, absent or null; tags and label may be missing", () => {
    expect(read({ type: "Generic" })).toMatchObject({ publicKey: undefined, tags: [], label: undefined });
    const told = { type: "Generic", public: null, restrictions: { tags: ["b", "not an id!"] }, label: "x" };
    expect(read(told)).toMatchObject({ publicKey: undefined, tags: ["b", "not an id!"], label: "x" });
  });

  test.each(["type", "mechanisms", "operations", "restrictions"])("without %s is refused", (member) => {
    const whole: Record<string, unknown> = { ...common, type: "Generic" };
    delete whole[member];
    expect(() => readJson(json(whole), keyInfoReader)).toThrow(`$.${member}`);
  });
});
