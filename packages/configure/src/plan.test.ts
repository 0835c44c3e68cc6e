import { formatKeyRef } from "@signstar/config/key-ref";
import { parseUserId, type UserId } from "@signstar/nethsm/ids";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Desired, leadingAdministrator } from "./desired.ts";
import { plan } from "./plan.ts";
import { desiredArbitrary } from "./testing/desired-arbitrary.ts";
import { World } from "./testing/model.ts";

const none = { changes: [], conflicts: [] };
const empty: Desired = {
  administrators: [leadingAdministrator],
  namespaces: [],
  users: [],
  passphrases: "plaintext",
  keys: [],
  removal: { keys: [], namespaces: [] },
};

/** Applies unless there is a conflict; says whether it did. */
function apply(world: World, desired: Desired): boolean {
  const { changes, conflicts } = plan(desired, world.observe(desired));
  if (conflicts.length === 0) world.perform(changes);
  return conflicts.length === 0;
}

function expectReached(world: World, desired: Desired): void {
  expect(plan(desired, world.observe(desired))).toMatchObject(none);
  for (const { id, role, tags } of desired.users) {
    const user = world.users.get(id);
    expect({ role: user?.role, tags: [...(user?.tags ?? [])] }).toEqual({ role, tags });
    expect(world.passphraseFiles.get(id)).toEqual({ current: user?.passphrase, old: undefined });
  }
  for (const key of desired.keys) {
    const found = world.keys.get(formatKeyRef(key));
    expect([...(found?.tags ?? [])]).toEqual(key.tags);
    if (key.certificate === undefined) continue;
    expect(found?.certificate).toEqual({ key: found?.serial, userId: key.certificate.userId });
    expect(world.certificateFiles.get(formatKeyRef(key))).toEqual(found?.certificate);
  }
  const wanted: UserId[] = [
    ...desired.administrators,
    ...desired.namespaces.flatMap(({ administrators }) => administrators),
    ...desired.users.map(({ id }) => id),
  ];
  const foreign = (id: UserId) =>
    [...world.namespaces].some((ns) => id.startsWith(`${ns}~`) && !desired.namespaces.some((each) => each.id === ns));
  expect([...world.users.keys()].filter((id) => !foreign(id)).sort()).toEqual(wanted.sort());
}

describe("plan ∘ apply is empty", () => {
  test("from a new device", () => {
    fc.assert(
      fc.property(desiredArbitrary(), (desired) => {
        const world = new World();
        const withoutRemoval = { ...desired, removal: empty.removal };
        expect(apply(world, withoutRemoval)).toBe(true);
        expectReached(world, withoutRemoval);
      }),
    );
  });

  test("from one configuration to another", () => {
    fc.assert(
      fc.property(desiredArbitrary(), desiredArbitrary(), (before, after) => {
        const world = new World();
        if (apply(world, before) && apply(world, after)) expectReached(world, after);
      }),
      { numRuns: 500 },
    );
  });

  test("interrupted after any effect, again and again", () => {
    fc.assert(
      fc.property(
        desiredArbitrary(),
        desiredArbitrary(),
        fc.array(fc.nat({ max: 12 }), { maxLength: 5 }),
        (before, after, cuts) => {
          const world = new World();
          if (!apply(world, before)) return;
          for (const cut of cuts) {
            const { changes, conflicts } = plan(after, world.observe(after));
            if (conflicts.length > 0) return;
            // The effects of a change are made when it is reached, as a real run does.
            let left = cut;
            for (const change of changes) {
              for (const step of world.steps(change)) {
                if (left === 0) break;
                left -= 1;
                step();
              }
            }
          }
          expect(apply(world, after)).toBe(true);
          expectReached(world, after);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test("a locked device is unlocked, and what else differs is not known before", () => {
  const world = new World();
  apply(world, empty);
  world.state = "Locked";
  expect(plan(empty, world.observe(empty)).changes).toEqual([{ kind: "unlock" }]);
});

test("the admin credentials are on disk before the device is provisioned with them", () => {
  const { changes } = plan(empty, new World().observe(empty));
  expect(changes).toEqual([{ kind: "write-admin-credentials", users: [leadingAdministrator] }, { kind: "provision" }]);
});

test("admin stays although no configuration names it, strangers go", () => {
  const world = new World();
  apply(world, empty);
  world.users.set(parseUserId("stranger"), { role: "Administrator", passphrase: 99, tags: new Set() });
  expect(plan(empty, world.observe(empty)).changes).toEqual([
    { kind: "remove-user", as: leadingAdministrator, user: "stranger" },
  ]);
});
