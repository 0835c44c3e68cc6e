import { existsSync, readFileSync } from "node:fs";
import { encodeSha512State } from "@signstar/hash-state/sha512-state";
import { toUtf8 } from "@signstar/primitives/bytes";
import { Exit } from "@signstar/primitives/failure";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "./errors.ts";
import { clientMembers, encodeSigningRequest, parseSigningRequest } from "./request.ts";
import { anyJson, anyState, anyText, mutated, refusalOf, sampleState } from "./samples.test-helper.ts";

const content = [...encodeSha512State(sampleState)];
const parseText = (text: string) => parseSigningRequest(toUtf8(text));

/** A good request as plain objects, to be spoilt. */
function good() {
  const input: Record<string, unknown> = { type: "sha2-0.11-SHA512-state", content };
  const output: Record<string, unknown> = { type: "OpenPGPv4" };
  const required: Record<string, unknown> = { input, output };
  const request: Record<string, unknown> = { version: "1.0.0", required, optional: {} };
  return { request, required, input, output };
}

function refusalAfter(spoil: (parts: ReturnType<typeof good>) => void): ReturnType<typeof refusalOf> {
  const parts = good();
  spoil(parts);
  return refusalOf(() => parseText(JSON.stringify(parts.request)));
}

describe("samples of the reference implementation", () => {
  const folder = "../shared/data/signing-request";
  const skipped = test.skipIf(!existsSync(folder));

  skipped.each([
    ["request-208-byte-state.json", "final", "this is sample text"],
    ["request-210-byte-state.json", "legacy", "I like strawberries\n"],
  ])(`%s is accepted (skipped without ${folder})`, (name, layout, text) => {
    const request = parseSigningRequest(readFileSync(`${folder}/${name}`));
    expect(request).toMatchObject({ version: "1.0.0", input: { layout }, output: { type: "OpenPGPv4" } });
    expect(request.input.state.tail).toEqual(toUtf8(text));
    expect(request.optional.get("request-time")).toBe(1728913277);
  });

  skipped.each([
    ["bad-no-req-input.json", "missing-member", 'required has no member "input"'],
    ["bad-no-req-output.json", "missing-member", 'required has no member "output"'],
    ["bad-no-required-dict.json", "missing-member", 'request has no member "version"'],
    ["bad-not-json.json", "json-syntax", "malformed JSON at line 3, column 1: a value is wanted"],
    ["bad-req-input-content-wrong-type.json", "content-not-array", "required.input.content is not an array"],
    ["bad-unknown-type.json", "input-type-unknown", 'required.input.type "sha2-0.12-SHA512-state" is unknown'],
  ])(`%s is refused (skipped without ${folder})`, (name, code, message) => {
    expect(refusalOf(() => parseSigningRequest(readFileSync(`${folder}/${name}`)))).toEqual({ code, message });
  });
});

describe("refusals", () => {
  test("each is for a client's eyes and ends with 65", () => {
    let thrown: unknown;
    try {
      parseText("{}");
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RequestError);
    expect(thrown).toMatchObject({ exit: Exit.data, clientSafe: true });
  });

  test("unknown members, in every closed object", () => {
    for (const [part, where] of [
      ["request", "request"],
      ["required", "required"],
      ["input", "required.input"],
      ["output", "required.output"],
    ] as const) {
      const refusal = refusalAfter((parts) => {
        parts[part]["extra\u001b[31m"] = 1;
      });
      expect(refusal).toEqual({
        code: "unknown-member",
        message: `${where} has an unknown member "extra\\u{1b}[31m"`,
      });
    }
  });

  test.each([
    ["request", "version"],
    ["request", "required"],
    ["request", "optional"],
    ["required", "input"],
    ["required", "output"],
    ["input", "type"],
    ["input", "content"],
    ["output", "type"],
  ] as const)("missing: %s.%s", (part, name) => {
    const refusal = refusalAfter((parts) => {
      delete parts[part][name];
    });
    expect(refusal).toMatchObject({ code: "missing-member", message: expect.stringContaining(`"${name}"`) });
  });

  test.each(["[]", "null", '"x"', "1"])("a document that is %s", (text) => {
    expect(refusalOf(() => parseText(text))).toEqual({
      code: "not-an-object",
      message: "request is not a JSON object",
    });
  });

  test.each([
    ["request", "required", "not-an-object"],
    ["request", "optional", "not-an-object"],
    ["request", "version", "not-text"],
    ["required", "input", "not-an-object"],
    ["required", "output", "not-an-object"],
    ["input", "type", "not-text"],
    ["output", "type", "not-text"],
    ["input", "content", "content-not-array"],
  ] as const)("wrong kind of value: %s.%s", (part, name, code) => {
    for (const value of [null, 1, true]) {
      const refusal = refusalAfter((parts) => {
        parts[part][name] = value;
      });
      expect(refusal).toMatchObject({ code });
    }
  });

  test("types are known by their exact names", () => {
    for (const type of ["sha2-0.11-SHA256-state", "", "toString", "__proto__", "SHA2-0.11-SHA512-STATE"]) {
      const refusal = refusalAfter(({ input }) => {
        input["type"] = type;
      });
      expect(refusal).toMatchObject({ code: "input-type-unknown" });
    }
    for (const type of ["OpenPGPv6", "openpgpv4", "constructor"]) {
      const refusal = refusalAfter(({ output }) => {
        output["type"] = type;
      });
      expect(refusal).toMatchObject({ code: "output-type-unknown" });
    }
  });

  test.each(["256", "-1", "0.5", "1.0", "1e1", "-0", "null", '"1"', "[1]", "true"])("%s among the bytes", (byte) => {
    const text = JSON.stringify(good().request).replace("[8,201,", `[8,${byte},`);
    expect(refusalOf(() => parseText(text))).toEqual({
      code: "content-not-bytes",
      message: "required.input.content[1] is not an integer from 0 to 255",
    });
  });

  test("every refusal of the state has its own code", () => {
    const spoilt = (change: (bytes: number[]) => void, bytes = [...content]) => {
      change(bytes);
      return refusalAfter(({ input }) => {
        input["content"] = bytes;
      });
    };
    const legacy = [...encodeSha512State(sampleState, "legacy")];
    expect(spoilt((bytes) => bytes.push(0))).toMatchObject({ code: "state-length" });
    expect(spoilt((bytes) => bytes.fill(128, 80, 81))).toMatchObject({ code: "state-position" });
    expect(spoilt((bytes) => bytes.fill(1, 207))).toMatchObject({ code: "state-fill" });
    expect(spoilt((bytes) => bytes.fill(32, 80, 81), legacy)).toMatchObject({ code: "state-output-size" });
    expect(spoilt((bytes) => bytes.fill(1, 71, 72))).toMatchObject({ code: "state-block-count" });
    expect(spoilt((bytes) => bytes.fill(9, 0, 1))).toMatchObject({ code: "state-initial-words" });
  });

  test("a member twice, also where any member is allowed", () => {
    const text = JSON.stringify(good().request);
    for (const doubled of [
      text.replace('"version":', '"version":"1.0.0","version":'),
      text.replace('"optional":{}', '"optional":{"a":1,"a":1}'),
      text.replace('"optional":{}', '"optional":{"b":[{"a":1,"a":1}]}'),
    ]) {
      expect(refusalOf(() => parseText(doubled))).toMatchObject({ code: "json-duplicate-member" });
    }
  });
});

describe("version", () => {
  test.each(["1.0.0", "1.9.3", "1.0.0-rc1", "1.0.0-alpha.1+build.007", "1.0.0-0a", "1.0.0--", "1.2.3+0", "1.10.200"])(
    "%s is accepted",
    (version) => {
      expect(parseText(JSON.stringify({ ...good().request, version })).version).toBe(version);
    },
  );

  test.each(["0.9.0", "2.0.0", "10.0.0", "11.0.0", "2.0.0-rc1"])("%s is unsupported", (version) => {
    expect(refusalOf(() => parseText(JSON.stringify({ ...good().request, version })))).toMatchObject({
      code: "version-unsupported",
    });
  });

  test.each([
    "",
    "1",
    "1.0",
    "1.0.0.0",
    "01.0.0",
    "1.00.0",
    "v1.0.0",
    "1.0.0-",
    "1.0.0-01",
    "1.0.0-a..b",
    "1.0.0+",
    "1.0.0 ",
    "1.0.0\n",
    "1.0.0-é",
    "1.-1.0",
  ])("%j is malformed", (version) => {
    expect(refusalOf(() => parseText(JSON.stringify({ ...good().request, version })))).toMatchObject({
      code: "version-malformed",
    });
  });
});

describe("encoding", () => {
  test("is compact and says what the reference client says", () => {
    const optional = clientMembers({
      fileName: "pkg.tar.zst",
      now: new Date("2024-10-14T13:41:17.900Z"),
      random: (count) => new Uint8Array(count).map((_, i) => 60 + i),
    });
    const text = encodeSigningRequest({ state: sampleState, optional });
    expect(text).toBe(
      JSON.stringify({
        version: "1.0.0",
        required: { input: { type: "sha2-0.11-SHA512-state", content }, output: { type: "OpenPGPv4" } },
        optional: {
          "89ABCDE": "https://gitlab.archlinux.org/archlinux/signstar/-/merge_requests/43",
          "request-time": 1728913277,
          "file-name": "pkg.tar.zst",
        },
      }),
    );
    expect(parseText(text).optional).toEqual(new Map(optional));
  });

  test("a file name that is not Unicode is null", () => {
    const named = (fileName: string | null) =>
      new Map(clientMembers({ fileName, now: new Date(0), random: (count) => new Uint8Array(count) })).get("file-name");
    expect(named(null)).toBeNull();
    expect(named("a\ud800")).toBeNull();
    expect(named("ä")).toBe("ä");
  });

  test("refuses to say something twice", () => {
    const optional = [
      ["a", 1],
      ["a", 2],
    ] as const;
    expect(refusalOf(() => encodeSigningRequest({ state: sampleState, optional }))).toMatchObject({
      code: "json-duplicate-member",
    });
  });
});

describe("laws", () => {
  const anyRequest = fc.record({
    state: anyState,
    layout: fc.constantFrom("final", "legacy"),
    optional: fc.array(fc.tuple(anyText, anyJson), { maxLength: 5 }).map((members) => new Map(members)),
  });

  test("parse after encode is the same request", () => {
    return fc.assert(
      fc.property(anyRequest, (request) => {
        const text = encodeSigningRequest(request);
        const parsed = parseText(text);
        expect(parsed).toEqual({
          version: "1.0.0",
          input: { type: "sha2-0.11-SHA512-state", state: request.state, layout: request.layout },
          output: { type: "OpenPGPv4" },
          optional: request.optional,
        });
        const { state, layout } = parsed.input;
        expect(encodeSigningRequest({ state, layout, optional: parsed.optional })).toBe(text);
      }),
    );
  });

  test("a damaged request is accepted or refused, and never anything else", () => {
    const document = encodeSigningRequest({ state: sampleState, optional: [["a", [1, "text", null]]] });
    const bytes = fc.oneof(mutated(document), fc.uint8Array({ maxLength: 200 }));
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(bytes, (damaged) => {
        const outcome = refusalOf(() => parseSigningRequest(damaged));
        outcomes.add(outcome === "accepted" ? outcome : outcome.code);
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: 2000 },
    );
    expect(outcomes.size).toBeGreaterThan(5);
  });
});
