import { toUtf8 } from "@signstar/primitives/bytes";
import { describe, expect, test } from "vitest";
import { integer, object, optional, readJson, text } from "./body.ts";

const body = object({ mode: text, length: optional(integer) });
const read = (json: string) => readJson(toUtf8(json), body);

describe("JSON as lenient as the device's", () => {
  test.each([
    '{ mode: "PKCS1", length: 1 }',
    '{ "mode" : "PKCS1", /* how * long */ length : 1 } // end',
    '/**/ { mode: "PKCS1",\n// a comment "\nlength: 1 }',
  ])("%j is read", (json) => {
    expect(read(json)).toEqual({ mode: "PKCS1", length: 1 });
  });

  test("what looks like a comment or a name inside of a string stays", () => {
    expect(read('{ mode: "a: /* \\" */ // b:" }').mode).toBe('a: /* " */ // b:');
  });

  test.each([
    '{ mode: "a" } /* open',
    '{ mode: "a" } /*/',
    '{ mode: "a',
    '{ mode: "a\\',
    "{ mode: a }",
    "{ 1mode: 1 }",
  ])("%j is refused", (json) => {
    expect(() => read(json)).toThrow(expect.objectContaining({ answer: expect.objectContaining({ status: 400 }) }));
  });

  test.each(["a", "/*", '\\"', '"', "a ", "/", "*/ /*", "a:"])("64 KiB of %j are refused at once", (piece) => {
    const json = piece.repeat(Math.floor(64_000 / piece.length));
    const started = performance.now();
    expect(() => read(json)).toThrow();
    expect(performance.now() - started).toBeLessThan(500);
  });
});
