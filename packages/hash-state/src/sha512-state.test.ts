import { existsSync, readFileSync } from "node:fs";
import { toHex, toUtf8 } from "@signstar/primitives/bytes";
import { Exit } from "@signstar/primitives/failure";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyState, nodeSha512 } from "./arbitraries.test-helper.ts";
import { HashStateError, type StateRefusal } from "./errors.ts";
import { finishSha512 } from "./resume.ts";
import { encodeSha512State, freshSha512, parseSha512State, sizeOfState } from "./sha512-state.ts";

const strawberries = { ...freshSha512, tail: toUtf8("I like strawberries\n") };
const final = () => encodeSha512State(strawberries, "final");
const legacy = () => encodeSha512State(strawberries, "legacy");

function refusal(bytes: Uint8Array): StateRefusal | "accepted" {
  try {
    parseSha512State(bytes);
    return "accepted";
  } catch (error) {
    if (!(error instanceof HashStateError) || error.code === "file-read") throw error;
    expect(error).toMatchObject({ exit: Exit.data, clientSafe: true });
    return error.code;
  }
}

function changed(bytes: Uint8Array, offset: number, ...values: readonly number[]): Uint8Array {
  bytes.set(values, offset);
  return bytes;
}

describe("known answers", () => {
  // The two sample requests of Signstar: one in each layout.
  test.each([
    [
      "legacy",
      "I like strawberries\n",
      "55b956f9bb40752fa328c93523a9775aa84e1d2014372779fdcb9f525528e91ad00d6f3d5d64c71fb98cc3725c766ced6498d4b1bd3892cc894ceb1f65011337",
    ],
    [
      "final",
      "this is sample text",
      "14fd4585924c0b04bf0d96c409611523ba5ffe3b943c589b7fcb97d80b10e4497117736ec62a6d5c1721464788db49ee870ddf75d745f3217d6d5f79d52cd4a6",
    ],
  ] as const)("%s layout of a short text", (layout, text, digest) => {
    const head =
      "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b";
    const waiting = Buffer.from(text);
    const position = layout === "legacy" ? [64, waiting.length] : [waiting.length];
    const bytes = Buffer.concat([Buffer.from(head, "hex"), Buffer.alloc(16), Buffer.from(position), waiting]);
    const whole = Buffer.concat([bytes], layout === "legacy" ? 210 : 208);
    const parsed = parseSha512State(whole);
    expect(parsed.layout).toBe(layout);
    expect(toHex(parsed.state.tail)).toBe(waiting.toString("hex"));
    expect(toHex(finishSha512(parsed.state))).toBe(digest);
    expect(toHex(encodeSha512State(parsed.state, layout))).toBe(whole.toString("hex"));
  });

  const vector = "../shared/data/signing-request/sha512-state-208.bin";
  test.skipIf(!existsSync(vector))(`third-party state with one block (skipped without ${vector})`, () => {
    const { state, layout } = parseSha512State(readFileSync(vector));
    expect(layout).toBe("final");
    expect(state.blocks).toBe(1n);
    expect([...state.tail]).toEqual([0x13]);
    expect(finishSha512(state)).toEqual(nodeSha512(new Uint8Array(129).fill(0x13)));
    expect(encodeSha512State(state)).toEqual(new Uint8Array(readFileSync(vector)));
  });
});

describe("refusals", () => {
  test.each([0, 1, 207, 209, 211, 4096])("length %i", (length) => {
    expect(refusal(new Uint8Array(length))).toBe("state-length");
  });

  test("waiting bytes: 127 at most", () => {
    const full = { ...freshSha512, tail: new Uint8Array(127).fill(1) };
    expect(refusal(encodeSha512State(full, "final"))).toBe("accepted");
    expect(refusal(encodeSha512State(full, "legacy"))).toBe("accepted");
    for (const position of [128, 129, 255]) {
      expect(refusal(changed(final(), 80, position))).toBe("state-position");
      expect(refusal(changed(legacy(), 81, position))).toBe("state-position");
    }
  });

  test("anything but zero behind the waiting bytes", () => {
    for (let offset = 101; offset < 208; offset += 1) {
      expect(refusal(changed(final(), offset, 1))).toBe("state-fill");
    }
    for (let offset = 102; offset < 210; offset += 1) {
      expect(refusal(changed(legacy(), offset, 1))).toBe("state-fill");
    }
  });

  test.each([0, 63, 65, 255])("output size %i", (size) => {
    expect(refusal(changed(legacy(), 80, size))).toBe("state-output-size");
  });

  test("2^56 blocks or more", () => {
    expect(refusal(changed(final(), 64, 255, 255, 255, 255, 255, 255, 255))).toBe("accepted");
    for (let offset = 71; offset < 80; offset += 1) {
      expect(refusal(changed(final(), offset, 1))).toBe("state-block-count");
      expect(refusal(changed(legacy(), offset, 1))).toBe("state-block-count");
    }
  });

  test("other words than the initial ones where no block is done", () => {
    for (let offset = 0; offset < 64; offset += 1) {
      const bytes = final();
      expect(refusal(changed(bytes, offset, (bytes[offset] ?? 0) ^ 1))).toBe("state-initial-words");
    }
  });
});

describe("laws", () => {
  test("parse after encode is the same state, encode after parse the same bytes", () => {
    return fc.assert(
      fc.property(anyState, fc.constantFrom("final", "legacy"), (state, layout) => {
        const bytes = encodeSha512State(state, layout);
        expect(bytes.length).toBe(layout === "final" ? 208 : 210);
        const parsed = parseSha512State(bytes);
        expect(parsed).toEqual({ state, layout });
        expect(encodeSha512State(parsed.state, layout)).toEqual(bytes);
      }),
    );
  });

  test("what is accepted has one spelling: any other bytes are refused or encode to themselves", () => {
    const near = fc
      .tuple(
        anyState,
        fc.constantFrom("final", "legacy"),
        fc.array(fc.tuple(fc.nat(209), fc.nat(255)), { maxLength: 3 }),
      )
      .map(([state, layout, edits]) => {
        const bytes = encodeSha512State(state, layout);
        for (const [offset, value] of edits) if (offset < bytes.length) bytes[offset] = value;
        return bytes;
      });
    return fc.assert(
      fc.property(near, (bytes) => {
        if (refusal(bytes) !== "accepted") return;
        const { state, layout } = parseSha512State(bytes);
        expect(encodeSha512State(state, layout)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("the parsed state is independent of the bytes it came from", () => {
    const bytes = final();
    const { state } = parseSha512State(bytes);
    bytes.fill(7);
    expect(state).toEqual(strawberries);
    expect(sizeOfState(state)).toBe(20n);
  });
});
