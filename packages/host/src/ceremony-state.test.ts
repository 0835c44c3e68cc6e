import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CeremonyState,
  emptyState,
  encodeCeremonyState,
  outcomes,
  parseCeremonyState,
  readCeremonyState,
  standings,
} from "./ceremony-state.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const date = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z") });
const fingerprint = fc.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/);
const set = { set: hex(32), iteration: uint32, threshold: uint32, numberOfShares: uint32, digest: hex(64) };
const state: fc.Arbitrary<CeremonyState> = fc.record({
  pending: fc.option(
    fc.record({
      ...set,
      deadline: date,
      holders: fc.array(
        fc.record({
          user: fc.stringMatching(/^[a-z_][a-z0-9_-]{0,30}$/),
          fingerprint,
          share: hex(64),
          confirmed: fc.boolean(),
        }),
      ),
    }),
    { nil: undefined },
  ),
  sets: fc.array(fc.record({ ...set, standing: fc.constantFrom(...standings), holders: fc.array(fingerprint) })),
  last: fc.option(
    fc.record({
      at: date,
      intent: fc.constantFrom("apply", `restore ${"0f".repeat(32)}`),
      outcome: fc.constantFrom(...outcomes),
      message: fc.stringMatching(/^\P{Cc}{0,60}$/u),
    }),
    { nil: undefined },
  ),
});

describe("state.json", () => {
  test("reads back what is written", () => {
    fc.assert(
      fc.property(state, (each) => {
        expect(parseCeremonyState(encodeCeremonyState(each), "x")).toEqual(each);
      }),
    );
  });

  test.each([
    "",
    "[]",
    "{}",
    '{"version":2,"pending":null,"sets":[],"last":null}',
    '{"version":1,"pending":null,"sets":[]}',
    '{"version":1,"pending":null,"sets":[],"last":null,"more":0}',
    '{"version":1,"pending":{},"sets":[],"last":null}',
    `{"version":1,"pending":null,"sets":[{"set":"00","iteration":1,"threshold":2,"numberOfShares":3,"digest":"${"0".repeat(64)}","standing":"void","holders":[]}],"last":null}`,
    '{"version":1,"pending":null,"sets":[],"last":{"at":"2026-99-01T00:00:00.000Z","intent":"apply","outcome":"done","message":""}}',
    '{"version":1,"pending":null,"sets":[],"last":{"at":"2026-01-01T00:00:00.000Z","intent":"apply","outcome":"done","message":"\\u001b[2J"}}',
  ])("refuses %j", (text) => {
    expect(() => parseCeremonyState(Buffer.from(text), "x")).toThrow(
      expect.objectContaining({ code: "state-unusable", exit: 78 }),
    );
  });

  test("is empty after a boot", () => {
    expect(readCeremonyState("/nonexistent/state.json", [0])).toEqual(emptyState);
  });
});
