import { parseSystemUserId } from "@signstar/config/system-user";
import type { KnownSet } from "@signstar/host/ceremony-state";
import { Secret } from "@signstar/primitives/secret";
import { formatIntent, parseIntent } from "@signstar/secret-sharing/intent";
import { parseSetId, setDigest } from "@signstar/secret-sharing/share";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Vote } from "./share-files.ts";
import { decide, tally } from "./tally.ts";

const a = "a".repeat(32);
const b = "b".repeat(32);

interface Cast {
  readonly set?: string;
  readonly key: number;
  readonly index: number;
  readonly intent?: string;
  readonly at?: number;
  readonly threshold?: number;
  readonly commitments?: readonly string[];
}

function vote({ set = a, key, index, intent = "apply", at = 0, threshold = 2, commitments = [] }: Cast): Vote {
  const hex = key.toString(16).padStart(64, "0");
  return {
    by: { user: parseSystemUserId("uploader"), fingerprint: `SHA256:${hex}`, hex },
    share: {
      set: parseSetId(set),
      iteration: 1,
      threshold,
      numberOfShares: 4,
      index,
      holder: "SHA256:x",
      commitments,
      share: Secret.fromText("share"),
    },
    intent: parseIntent(intent.split(" ")),
    at,
    files: [],
  };
}

function known(set: string, standing: KnownSet["standing"]): KnownSet {
  const made = { set: parseSetId(set), iteration: 1, threshold: 2, numberOfShares: 4 };
  return { ...made, digest: setDigest({ ...made, commitments: [] }), standing, holders: [] };
}

const decided = (
  votes: readonly Cast[],
  sets: readonly KnownSet[] = [known(a, "in-force")],
  { threshold = 2, pending }: { readonly threshold?: number; readonly pending?: string } = {},
) => {
  const { agreements, void: refused } = tally(votes.map(vote), sets, threshold);
  const { decision, waiting } = decide(agreements, sets, pending);
  const shares = decision?.agreements.map(({ set, shares }) => [set, shares.map(({ index }) => index)]);
  return { intent: decision && formatIntent(decision.intent), shares, refused: refused.map(({ why }) => why), waiting };
};

describe("a flow starts", () => {
  test("when a threshold of holders wants the same", () => {
    expect(decided([{ key: 1, index: 1 }])).toMatchObject({ intent: undefined });
    const both = decided([
      { key: 1, index: 1 },
      { key: 2, index: 3 },
    ]);
    expect(both).toMatchObject({ intent: "apply", shares: [[a, [1, 3]]] });
  });

  test("not when they want different things, digest included", () => {
    const digest = (digit: string) => `restore ${digit.repeat(64)}`;
    const split = [
      { key: 1, index: 1, intent: digest("1") },
      { key: 2, index: 2, intent: digest("2") },
      { key: 3, index: 3 },
    ];
    expect(decided(split).intent).toBeUndefined();
    expect(decided([...split, { key: 4, index: 4, intent: digest("2") }])).toMatchObject({ intent: digest("2") });
  });

  test("for what was first wanted by enough", () => {
    const votes = [
      { key: 1, index: 1, intent: "unlock", at: 1 },
      { key: 2, index: 2, intent: "reboot", at: 2 },
      { key: 3, index: 3, intent: "reboot", at: 3 },
      { key: 4, index: 4, intent: "unlock", at: 4 },
    ];
    expect(decided(votes).intent).toBe("reboot");
  });

  test("neither by one holder with two keys, nor by one key with two shares", () => {
    const twice = decided([
      { key: 1, index: 1 },
      { key: 2, index: 1 },
    ]);
    expect(twice).toMatchObject({ intent: undefined, refused: ["share 1 was handed in twice"] });
    const borrowed = decided([
      { key: 1, index: 1 },
      { key: 1, index: 2 },
    ]);
    expect(borrowed).toMatchObject({
      intent: undefined,
      refused: ["its SSH key has handed in another share of this set"],
    });
  });

  test("not with shares that say another threshold than the set was made with", () => {
    const lowered = decided([{ key: 1, index: 1, threshold: 1 }]);
    expect(lowered).toMatchObject({ intent: undefined, refused: ["it is not as the shares of this set were made"] });
    const unknown = decided(
      [
        { key: 1, index: 1, threshold: 3 },
        { key: 2, index: 2, threshold: 2 },
      ],
      [],
    );
    expect(unknown).toMatchObject({ intent: undefined, refused: [] });
  });

  test("in spite of a forged share that comes first, under whatever index", () => {
    const forged = { key: 9, index: 1, at: 0, commitments: ["forged"] };
    const honest = [
      { key: 1, index: 1, at: 1 },
      { key: 2, index: 2, at: 2 },
    ];
    const agreed = { intent: "apply", shares: [[a, [1, 2]]] };
    const why = "it is not as the shares of this set were made";
    expect(decided([forged, ...honest])).toMatchObject({ ...agreed, refused: [why] });
    expect(decided([forged, ...honest], [])).toMatchObject({ ...agreed, refused: [] });
    expect(decided([forged, ...honest.slice(1)], []).intent).toBeUndefined();
    // Enough forged ones are an agreement like any other, where the set is not known, but not a second one of the set.
    const late = { ...forged, key: 8, index: 2, at: 3 };
    expect(decided([forged, late, ...honest], []).shares).toEqual([[a, [1, 2]]]);
  });

  test("not with a void set, nor with one that this host does not know beside one that it does", () => {
    const votes = [
      { key: 1, index: 1 },
      { key: 2, index: 2 },
    ];
    expect(decided(votes, [known(a, "void")]).intent).toBeUndefined();
    expect(decided(votes, [known(b, "in-force")]).intent).toBeUndefined();
    expect(decided(votes, []).intent).toBe("apply");
  });

  test("not with a set that not every holder has a share of yet", () => {
    const votes = [
      { key: 1, index: 1 },
      { key: 2, index: 2 },
    ];
    expect(decided(votes, [], { pending: a })).toMatchObject({ intent: undefined, refused: [] });
    expect(decided(votes, [known(a, "confirmed")], { pending: a }).intent).toBe("apply");
  });

  test("of an unknown set, whatever its shares say of themselves, when as many as the configuration says want it", () => {
    const votes = [1, 2, 3].map((key) => ({ key, index: key }));
    expect(decided(votes.slice(1), [], { threshold: 3 }).intent).toBeUndefined();
    expect(decided(votes, [], { threshold: 3 }).intent).toBe("apply");
    expect(decided(votes.slice(1), [known(a, "in-force")], { threshold: 3 }).intent).toBe("apply");
  });

  test("while a rotation is not finished, for apply only with the shares of both sets", () => {
    const sets = [known(a, "in-force"), known(b, "confirmed")];
    const old = [
      { key: 1, index: 1 },
      { key: 2, index: 2 },
    ];
    const fresh = old.map((each) => ({ ...each, set: b }));
    expect(decided(old, sets)).toMatchObject({ intent: undefined, waiting: expect.stringContaining(b) });
    expect(decided(fresh, sets)).toMatchObject({ intent: undefined, waiting: expect.stringContaining(a) });
    expect(decided([...old, ...fresh], sets).shares).toHaveLength(2);
    expect(
      decided(
        old.map((each) => ({ ...each, intent: "unlock" })),
        sets,
      ).intent,
    ).toBe("unlock");
  });
});

test("whatever is handed in: an agreement has a threshold of different shares from as many keys", () => {
  const cast = fc.record({
    set: fc.constantFrom(a, b),
    key: fc.integer({ min: 1, max: 4 }),
    index: fc.integer({ min: 1, max: 4 }),
    intent: fc.constantFrom("apply", "unlock", "plan"),
    at: fc.nat({ max: 10 }),
    commitments: fc.constantFrom([], ["forged"]),
  });
  fc.assert(
    fc.property(fc.array(cast, { maxLength: 12 }), (casts) => {
      const votes = casts.map(vote);
      const { agreements, void: refused } = tally(votes, [], 2);
      expect(new Set(agreements.map(({ set }) => set)).size).toBe(agreements.length);
      for (const { set, intent, shares } of agreements) {
        const refusedVotes = new Set(refused.map((each) => each.vote));
        const backing = votes.filter(
          (each) =>
            !refusedVotes.has(each) &&
            each.share.set === set &&
            each.share.commitments.length === shares[0]?.commitments.length &&
            formatIntent(each.intent) === formatIntent(intent),
        );
        expect(shares.length).toBeGreaterThanOrEqual(2);
        expect(new Set(shares.map(({ index }) => index)).size).toBe(shares.length);
        expect(new Set(backing.map(({ by }) => by.hex)).size).toBe(shares.length);
      }
    }),
  );
});
