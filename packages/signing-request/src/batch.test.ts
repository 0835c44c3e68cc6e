import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BatchAnswer, encodeBatchAnswer, encodeBatchFrame, parseBatchAnswer, parseBatchFrame } from "./batch.ts";
import { encodeSigningRequest, parseSigningRequest } from "./request.ts";
import { anyText, armored, mutated, refusalOf, sampleState } from "./samples.test-helper.ts";

const request = encodeSigningRequest({ state: sampleState });
const digest = "0f".repeat(64);
const frame = (text: string) => parseBatchFrame(toUtf8(text));

describe("frames", () => {
  test("carry a request and its id", () => {
    const line = encodeBatchFrame("7 ä\n", request);
    expect(line).not.toContain("\n");
    expect(frame(line)).toEqual({ id: "7 ä\n", request: parseSigningRequest(toUtf8(request)) });
  });

  test("what can be said of a bad one", () => {
    expect(frame(`{"id":"a","request":{}}`)).toMatchObject({ id: "a", refusal: { code: "missing-member" } });
    expect(frame(`{"id":"a","request":${request},"x":1}`)).toMatchObject({
      id: "a",
      refusal: { code: "unknown-member" },
    });
    expect(frame(`{"id":"a"}`)).toMatchObject({ id: "a", refusal: { code: "missing-member" } });
    expect(frame(`{"request":${request}}`)).toMatchObject({ id: null, refusal: { code: "missing-member" } });
    expect(frame(`{"id":1,"request":${request}}`)).toMatchObject({ id: null, refusal: { code: "frame-id" } });
    expect(frame(`{"id":"a","id":"a","request":${request}}`)).toMatchObject({
      id: null,
      refusal: { code: "json-duplicate-member" },
    });
    expect(frame("[]")).toMatchObject({ id: null, refusal: { code: "not-an-object" } });
    expect(frame("")).toMatchObject({ id: null, refusal: { code: "empty" } });
    expect(frame(" ".repeat(65_537))).toMatchObject({ id: null, refusal: { code: "too-large" } });
  });

  test("ids of 128 characters at most, on both sides", () => {
    const longest = "i".repeat(128);
    expect(frame(encodeBatchFrame(longest, request))).toMatchObject({ id: longest });
    expect(refusalOf(() => encodeBatchFrame(`${longest}i`, request))).toMatchObject({ code: "frame-id" });
    expect(frame(`{"id":"${longest}i","request":${request}}`)).toMatchObject({
      id: null,
      refusal: { code: "frame-id" },
    });
  });

  test("a request may be as deep as one that is sent alone", () => {
    const deep = (levels: number) =>
      request.replace('"optional":{}', `"optional":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`);
    expect(frame(encodeBatchFrame("a", deep(14)))).toHaveProperty("request");
    expect(frame(encodeBatchFrame("a", deep(15)))).toMatchObject({ refusal: { code: "json-too-deep" } });
    expect(refusalOf(() => parseSigningRequest(toUtf8(deep(14))))).toBe("accepted");
    expect(refusalOf(() => parseSigningRequest(toUtf8(deep(15))))).toMatchObject({ code: "json-too-deep" });
  });
});

describe("answers", () => {
  test("spelled as documented", () => {
    expect(encodeBatchAnswer({ id: "a", digest, signature: armored })).toBe(
      JSON.stringify({ id: "a", digest, response: { version: "1.0.0", signature: armored } }),
    );
    expect(encodeBatchAnswer({ id: null, error: { code: "empty", message: "document is empty" } })).toBe(
      '{"id":null,"error":{"code":"empty","message":"document is empty"}}',
    );
  });

  test("come back as they were", () => {
    const id = anyText;
    const answer: fc.Arbitrary<BatchAnswer> = fc.oneof(
      fc.record({ id, digest: fc.constant(digest), signature: fc.constant(armored) }),
      fc.record({ id: fc.option(id), error: fc.record({ code: anyText, message: anyText }) }),
    );
    return fc.assert(
      fc.property(answer, (given) => {
        expect(parseBatchAnswer(toUtf8(encodeBatchAnswer(given)))).toEqual(given);
      }),
    );
  });

  test.each([
    [{ id: "a", digest: "00", response: { version: "1.0.0", signature: armored } }, "frame-digest"],
    [{ id: "a", digest: digest.toUpperCase(), response: { version: "1.0.0", signature: armored } }, "frame-digest"],
    [{ id: null, digest, response: { version: "1.0.0", signature: armored } }, "not-text"],
    [{ id: "a", digest, response: { version: "1.0.0", signature: "aaa" } }, "signature-not-armored"],
    [{ id: "a", digest }, "missing-member"],
    [{ id: "a", error: { code: "x" } }, "missing-member"],
    [{ id: "a", error: { code: "x", message: "y" }, digest }, "unknown-member"],
  ])("refuses %j", (answer, code) => {
    expect(refusalOf(() => parseBatchAnswer(toUtf8(JSON.stringify(answer))))).toMatchObject({ code });
  });

  test("damaged lines are accepted or refused, and never anything else", () => {
    const lines = fc.oneof(
      mutated(encodeBatchFrame("a", request)),
      mutated(encodeBatchAnswer({ id: "a", digest, signature: armored })),
    );
    return fc.assert(
      fc.property(lines, (line) => {
        parseBatchFrame(line);
        refusalOf(() => parseBatchAnswer(line));
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: 1000 },
    );
  });
});
