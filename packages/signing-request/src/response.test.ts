import { toUtf8 } from "@signstar/primitives/bytes";
import { Exit } from "@signstar/primitives/failure";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSigningResponse, parseSigningResponse } from "./response.ts";
import { armored, mutated, refusalOf } from "./samples.test-helper.ts";

const parseText = (text: string) => parseSigningResponse(toUtf8(text));

describe("response", () => {
  test("is compact and comes back", () => {
    const text = encodeSigningResponse(armored);
    expect(text).toBe(JSON.stringify({ version: "1.0.0", signature: armored }));
    expect(parseText(text)).toEqual({ version: "1.0.0", signature: armored });
  });

  test.each([
    ["CRLF", armored.replaceAll("\n", "\r\n")],
    ["no newline at the end", armored.trimEnd()],
    ["no checksum", armored.replace("=4E5I\n", "")],
    ["header fields", armored.replace("\n\n", "\nVersion: x 1\nComment: \n\n")],
  ])("accepts armor with %s", (_, signature) => {
    expect(parseText(encodeSigningResponse(signature)).signature).toBe(signature);
  });

  test.each([
    ["aaa", "aaa"],
    ["nothing", ""],
    ["another kind", armored.replaceAll("SIGNATURE", "MESSAGE")],
    ["text before", `x\n${armored}`],
    ["text after", `${armored}x`],
    ["two", armored + armored],
    ["no body", armored.replace(/\n\n.*\n=/s, "\n\n=")],
    ["no empty line", armored.replace("\n\n", "\n")],
    ["other characters in the body", armored.replace("wsC9", "ws_9")],
    ["a line that is too long", armored.replace("wsC9", "A".repeat(77))],
  ])("refuses as a signature: %s", (_, signature) => {
    expect(refusalOf(() => parseText(encodeSigningResponse(signature)))).toMatchObject({
      code: "signature-not-armored",
    });
  });

  test.each([
    ["", "empty"],
    ["{}", "missing-member"],
    ['{"version":"1.0.0"}', "missing-member"],
    [JSON.stringify({ version: "0.0.3", signature: armored }), "version-unsupported"],
    [JSON.stringify({ version: "1.0", signature: armored }), "version-malformed"],
    [JSON.stringify({ version: "1.0.0", signature: 1 }), "not-text"],
    [JSON.stringify({ version: "1.0.0", signature: armored, more: 1 }), "unknown-member"],
    [`${encodeSigningResponse(armored)}{}`, "json-trailing-data"],
    [`{"version":"1.0.0","version":"1.0.0","signature":""}`, "json-duplicate-member"],
  ])("refuses %j", (text, code) => {
    expect(refusalOf(() => parseText(text))).toMatchObject({ code });
    expect(() => parseText(text)).toThrow(expect.objectContaining({ exit: Exit.protocol }));
  });

  test("a damaged response is accepted or refused, and never anything else", () => {
    return fc.assert(
      fc.property(mutated(encodeSigningResponse(armored)), (damaged) => {
        refusalOf(() => parseSigningResponse(damaged));
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: 1000 },
    );
  });
});
