import { formatKeyRef } from "@signstar/config/key-ref";
import { parseUserId, type UserId } from "@signstar/nethsm/ids";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Change, touchesDevice } from "./change.ts";
import { type Desired, leadingAdministrator } from "./desired.ts";
import { afterOpening, plan, planClosing, planContents, planOpening, rotationOf } from "./plan.ts";
import { planFollower } from "./plan-follower.ts";
import { desiredArbitrary } from "./testing/desired-arbitrary.ts";
import { World } from "./testing/model.ts";
import type { ModelDevice } from "./testing/model-device.ts";
import { observe } from "./testing/observe.ts";

const none = { changes: [], conflicts: [] };
const empty: Desired = {
  administrators: [leadingAdministrator],
  namespaces: [],
  users: [],
  passphrases: "plaintext",
  keys: [],
  removal: { keys: [], namespaces: [], everything: false },
};

class Stopped extends Error {}

/** As a real run does it: leader, backup, followers, and only then is anything forgotten. */
function apply(world: World, desired: Desired, { rotate = false, pace = { effects: Number.POSITIVE_INFINITY } } = {}) {
  const make = (device: ModelDevice, changes: readonly Change[]) => {
    for (const change of changes) {
      if (device === world.leader && touchesDevice(change)) world.isBackupDue = true;
      for (const step of world.steps(device, desired, change)) {
        if (pace.effects === 0) throw new Stopped();
        pace.effects -= 1;
        step();
      }
    }
  };
  const { leader } = world;
  const actual = observe(world, leader, desired);
  if (plan(desired, actual, { rotateUsers: rotate }).conflicts.length > 0) return false;
  const rotation = rotationOf(actual, rotate);
  const opening = planOpening(desired, actual);
  make(leader, opening);
  const contents =
    actual.state === "Operational" ? afterOpening(desired, actual) : observe(world, leader, desired).contents;
  if (contents === undefined) throw new Error("not operational");
  const rest = planContents(desired, contents, rotation);
  if (rest.conflicts.length > 0) return false;
  make(leader, rest.changes);
  const made = [...opening, ...rest.changes];
  const closing = planClosing(desired, { actual, contents, rotation, made });
  make(
    leader,
    closing.filter(({ kind }) => kind === "keep-backup"),
  );
  const reasons = rotation.admins || made.some(touchesDevice) ? ["the leader has changed"] : [];
  const leading = { contents: observe(world, leader, desired).contents, reasons };
  for (const device of world.followers) {
    const first = planFollower(desired, leading, observe(world, device, desired));
    if (first.conflicts.length > 0) return false;
    make(
      device,
      first.changes.filter(({ kind }) => kind === "provision" || kind === "unlock"),
    );
    const opened = planFollower(desired, leading, observe(world, device, desired));
    if (opened.conflicts.length > 0) return false;
    make(device, opened.changes);
  }
  for (const { id } of desired.users) {
    if (pace.effects === 0) throw new Stopped();
    pace.effects -= 1;
    if (world.passphraseFiles.get(id)?.old !== undefined) world.settle(id);
  }
  make(
    leader,
    closing.filter(({ kind }) => kind === "settle-admin-credentials"),
  );
  return true;
}

/** Again, if an earlier rotation had to be finished first. */
function applyAll(world: World, desired: Desired): boolean {
  if (!apply(world, desired)) return false;
  return world.secrets?.current.iteration === world.iteration || apply(world, desired);
}

function expectReached(world: World, desired: Desired): void {
  const { leader } = world;
  const leading = observe(world, leader, desired);
  expect(plan(desired, leading)).toMatchObject(none);
  for (const device of world.followers) {
    const actual = observe(world, device, desired);
    expect(planFollower(desired, { contents: leading.contents, reasons: [] }, actual)).toEqual({ ...none, notes: [] });
  }
  expect(world.secrets).toMatchObject({ current: { iteration: world.iteration }, previous: undefined });
  for (const device of [leader, ...world.followers]) expectHolds(world, device, desired);
  expect(world.kept?.keys.size).toBe(leader.keys.size);
}

function expectHolds(world: World, device: ModelDevice, desired: Desired): void {
  expect(device.unlockPassphrase).toBe(world.secrets?.current.unlock);
  for (const { id, role, tags } of desired.users) {
    const user = device.users.get(id);
    expect({ role: user?.role, tags: [...(user?.tags ?? [])] }).toEqual({ role, tags });
    expect(world.passphraseFiles.get(id)).toEqual({ current: user?.passphrase, old: undefined });
  }
  for (const key of desired.keys) {
    const found = device.keys.get(formatKeyRef(key));
    expect([...(found?.tags ?? [])]).toEqual(key.tags);
    expect(found?.serial).toBe(world.leader.keys.get(formatKeyRef(key))?.serial);
    if (key.certificate === undefined) continue;
    expect(found?.certificate).toEqual({ key: found?.serial, userId: key.certificate.userId });
    expect(world.certificateFiles.get(formatKeyRef(key))).toEqual(found?.certificate);
  }
  const wanted: UserId[] = [
    ...desired.administrators,
    ...desired.namespaces.flatMap(({ administrators }) => administrators),
    ...desired.users.map(({ id }) => id),
  ];
  for (const [id, { role, passphrase }] of device.users) {
    const known = world.secrets?.current.administrators.get(id);
    if (role === "Administrator" && known !== undefined) expect(passphrase, id).toBe(known);
  }
  expect([...device.users.keys()].filter((id) => isOurs(device, desired, id)).sort()).toEqual(wanted.sort());
}

/** Whatever has happened: of the two passphrases that are kept for a user, each device accepts one. */
function expectUsable(world: World, desired: Desired): void {
  for (const { users } of [world.leader, ...world.followers]) {
    for (const { id, role } of desired.users) {
      const [user, file] = [users.get(id), world.passphraseFiles.get(id)];
      if (user?.role === role && file !== undefined) expect([file.current, file.old], id).toContain(user.passphrase);
    }
  }
}

function isOurs({ namespaces }: ModelDevice, desired: Desired, id: UserId): boolean {
  return ![...namespaces].some((ns) => id.startsWith(`${ns}~`) && !desired.namespaces.some((each) => each.id === ns));
}

const followers = fc.integer({ min: 0, max: 2 });

describe("plan ∘ apply is empty on every device", () => {
  test("from new devices", () => {
    fc.assert(
      fc.property(desiredArbitrary(), followers, (desired, others) => {
        const world = new World(others);
        const withoutRemoval = { ...desired, removal: empty.removal };
        expect(apply(world, withoutRemoval)).toBe(true);
        expectReached(world, withoutRemoval);
      }),
    );
  });

  test("from one configuration to another, of the same iteration or the next", () => {
    fc.assert(
      fc.property(desiredArbitrary(), desiredArbitrary(), followers, fc.boolean(), (before, after, others, next) => {
        const world = new World(others);
        if (!apply(world, before)) return;
        if (next) world.iteration += 1;
        if (applyAll(world, after)) expectReached(world, after);
      }),
      { numRuns: 500 },
    );
  });

  test("interrupted after any effect, again and again, with rotations of users and administrators", () => {
    const cut = fc.record({ effects: fc.nat({ max: 25 }), rotate: fc.boolean(), next: fc.boolean() });
    fc.assert(
      fc.property(
        desiredArbitrary(),
        desiredArbitrary(),
        followers,
        fc.array(cut, { maxLength: 5 }),
        (before, after, others, cuts) => {
          const world = new World(others);
          if (!apply(world, before)) return;
          for (const { effects, rotate, next } of cuts) {
            if (next) world.iteration += 1;
            try {
              if (!apply(world, after, { rotate, pace: { effects } })) return;
            } catch (thrown) {
              if (!(thrown instanceof Stopped)) throw thrown;
            }
            expectUsable(world, after);
          }
          expect(applyAll(world, after)).toBe(true);
          expectReached(world, after);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test("a locked device is unlocked, and what else differs is not known before", () => {
  const world = new World();
  apply(world, empty);
  world.leader.state = "Locked";
  expect(plan(empty, observe(world, world.leader, empty)).changes).toEqual([{ kind: "unlock" }]);
});

test("the admin credentials are on disk before the device is provisioned with them", () => {
  const world = new World();
  const { changes } = plan(empty, observe(world, world.leader, empty));
  expect(changes).toEqual([
    { kind: "write-admin-credentials", users: [leadingAdministrator], why: "administrators" },
    { kind: "provision" },
    { kind: "keep-backup" },
  ]);
});

test("admin stays although no configuration names it, strangers go", () => {
  const world = new World();
  apply(world, empty);
  world.leader.users.set(parseUserId("stranger"), { role: "Administrator", passphrase: 99, tags: new Set() });
  expect(plan(empty, observe(world, world.leader, empty)).changes).toEqual([
    { kind: "remove-user", as: leadingAdministrator, user: "stranger" },
    { kind: "keep-backup" },
  ]);
});
