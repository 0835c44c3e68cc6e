import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeCeremonyState, type KnownSet } from "@signstar/host/ceremony-state";
import { statusWords } from "@signstar/host/status-words";
import { provisioned, startSoftNethsm } from "@signstar/soft-nethsm/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { of, TestHall, users } from "./hall.ts";
import { administrator } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

let hall: TestHall;
afterEach(() => hall?.close());

async function opened(): Promise<void> {
  hall = await TestHall.open();
  await hall.run();
}

describe("on a host that knows no set yet", () => {
  test("shares that some have fetched give nothing before everybody has confirmed", async () => {
    await opened();
    for (const name of ["ann", "bob"]) hall.handIn(name, hall.fetch(name));
    await hall.run();
    expect(await hall.deviceState()).toEqual({ state: "Unprovisioned" });
    expect(hall.state).toMatchObject({ pending: { numberOfShares: 3 }, sets: [], last: undefined });
    hall.fetch("eve");
  });

  test.each([
    ["apply", "failed"],
    ["plan", "done"],
  ])("a secret of one's own, for %s: the device does not get it, nor is it in force", async (intent, outcome) => {
    await opened();
    for (const [name, share] of await hall.forged()) hall.handIn(name, share, intent);
    await hall.run().catch(() => undefined);
    expect(await hall.deviceState()).toEqual({ state: "Unprovisioned" });
    expect(hall.state).toMatchObject({ pending: { numberOfShares: 3 }, sets: [], last: { intent, outcome } });
    await hall.shareOut();
    expect(hall.state.sets).toMatchObject([{ standing: "in-force" }]);
  });

  test("a share that nobody knows holds up nobody", async () => {
    hall = await TestHall.open();
    mkdirSync(`${hall.paths.sharesUpload}/share-up`, { recursive: true });
    for (const [name, share] of (await hall.forged()).slice(1)) hall.handIn(name, share);
    await hall.run();
    expect(hall.state.pending).toBeDefined();
  });
});

test("a bug of ours is not shown to holders in its own words", async () => {
  await opened();
  const shares = await hall.shareOut();
  for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name));
  const connect = () => {
    throw new TypeError("some value");
  };
  await expect(hall.run({ connect })).rejects.toThrow("some value");
  expect(hall.state.last).toMatchObject({ outcome: "failed", message: "internal error; it is tried again" });
});

describe("a run that was killed", () => {
  test("while it wrote a secret into memory: nothing of it stays", async () => {
    await opened();
    await hall.shareOut();
    const left = [".admin-secret.0badc0de", ".admin-secret.old.0badc0de", "admin-secret.old"];
    for (const name of left) writeFileSync(join(hall.root, "run/signstar", name), "secret", { mode: 0o600 });
    await hall.run({ connect: () => expect.unreachable("there is nothing to do") });
    expect(readdirSync(join(hall.root, "run/signstar")).filter((name) => name.includes("secret."))).toEqual([]);
  });

  test("right after the last device was done: that is what holders are told", async () => {
    await opened();
    const { set } = hall.state.pending ?? {};
    const before = readFileSync(hall.paths.ceremonyState);
    await hall.shareOut();
    writeFileSync(hall.paths.ceremonyState, before);
    await hall.run({ connect: () => expect.unreachable("there is nothing to do") });
    expect(hall.state).toMatchObject({ pending: undefined, sets: [{ set, standing: "in-force" }] });
    expect(hall.state.last).toMatchObject({ outcome: "done", message: `set ${set} is in force` });
  });
});

test("shares are taken back from those too who are not in the configuration any more", async () => {
  await opened();
  const left = `${hall.paths.sharesDownload}/former`;
  mkdirSync(left);
  writeFileSync(`${left}/${"0".repeat(64)}.share`, "share");
  await hall.shareOut();
  expect(readdirSync(left)).toEqual([]);
});

describe("an administrator comes into the configuration", () => {
  const more = `${users}${administrator("admin2")}`;

  test("while shares wait: they are void, and others are made of a secret that has all", async () => {
    await opened();
    const first = hall.state.pending?.set;
    hall.change({ users: more });
    await hall.run();
    expect(hall.state).toMatchObject({ last: { outcome: "void" }, pending: { iteration: 1 } });
    expect(hall.state.pending?.set).not.toBe(first);
    await hall.shareOut();
    expect(hall.state.sets).toMatchObject([{ standing: "in-force" }]);
  });

  test("when all have confirmed, and memory is lost: what was begun is finished without", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.change({ iteration: 2 });
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name));
    await hall.run();
    const fresh = new Map(["ann", "bob", "eve"].map((name) => [name, hall.fetch(name)]));
    await expect(hall.shareOut({ connect: () => expect.unreachable("the power is gone") })).rejects.toThrow("power");
    hall.change({ users: more });
    await expect(hall.run()).rejects.toMatchObject({ code: "conflict" });
    rmSync(hall.paths.adminSecret);
    await hall.run();
    expect(hall.state.last?.message).toMatch(
      /not in memory any more; it goes on when shares of both sets are handed in$/,
    );
    expect(statusWords(hall.state, [], undefined)).toMatch(
      /^a change of the secret is not finished: apply needs shares of both sets, 2 of set [0-9a-f]{32} and 2 of set /m,
    );
    hall.reboot();
    await hall.run();
    const both = () => {
      for (const each of [shares, fresh]) for (const name of ["ann", "bob"]) hall.handIn(name, of(each, name));
    };
    both();
    await expect(hall.run()).rejects.toMatchObject({ code: "conflict" });
    expect(hall.state).toMatchObject({ pending: undefined, last: { outcome: "failed" }, sets: [{}, {}] });
    hall.change({ users });
    both();
    await hall.run();
    expect(hall.state.sets).toMatchObject([{ standing: "void" }, { standing: "in-force", iteration: 2 }]);
  });
});

describe("a host that has lost sight of its set", () => {
  test("knows it again by the device, also where another one is made at once", async () => {
    await opened();
    const shares = await hall.shareOut();
    const [before] = hall.state.sets;
    rmSync(hall.paths.shareSets);
    hall.reboot();
    await hall.run();
    expect(hall.state.sets).toEqual([]);
    hall.change({ users: `${users}${administrator("admin2")}` });
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name));
    await hall.run();
    expect(hall.state).toMatchObject({ sets: [{ set: before?.set, standing: "in-force" }], pending: { iteration: 1 } });
  });

  test("makes no other as long as a device that follows answers to it", async () => {
    await opened();
    const shares = await hall.shareOut();
    rmSync(hall.paths.shareSets);
    hall.reboot();
    hall.devices.unshift(await startSoftNethsm());
    hall.change({ devices: hall.devices });
    hall.events.length = 0;
    await hall.run();
    expect(hall.events).toEqual(["no-set"]);
    expect(hall.state.pending).toBeUndefined();
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name), "plan");
    await hall.run();
    expect(hall.state.last).toMatchObject({ outcome: "done", intent: "plan" });
  });

  test("never loses sight of the one in force over all those that are void", async () => {
    await opened();
    const shares = await hall.shareOut();
    const [own] = hall.state.sets;
    if (own === undefined) throw new TypeError("no set is known");
    const voided = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(32, "0"));
    const sets = [own, ...voided.map((set): KnownSet => ({ ...own, set, standing: "void" }))];
    writeFileSync(hall.paths.shareSets, encodeCeremonyState({ pending: undefined, sets, last: undefined }));
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name));
    await hall.run();
    expect(hall.state.sets).toHaveLength(32);
    expect(hall.state.sets.at(-1)).toEqual(own);
    expect(hall.state.sets.slice(0, -1).every(({ holders }) => holders.length === 0)).toBe(true);
  });

  test("believes no other that the device does not answer to", async () => {
    await opened();
    await hall.shareOut();
    rmSync(hall.paths.shareSets);
    hall.reboot();
    await hall.run();
    hall.change({ users: `${users}${administrator("admin2")}` });
    for (const [name, share] of await hall.forged()) hall.handIn(name, share);
    await expect(hall.run()).rejects.toMatchObject({ code: "credentials-refused" });
    expect(hall.state).toMatchObject({ sets: [], pending: undefined, last: { outcome: "failed" } });
    expect(hall.waiting).toEqual([]);
  });

  test.each([
    ["as before", users],
    ["with one administrator more", `${users}${administrator("admin2")}`],
  ])("configured %s, it takes none for the one that not every device answers to", async (_, more) => {
    await opened();
    const shares = await hall.shareOut();
    rmSync(hall.paths.shareSets);
    hall.reboot();
    hall.devices.push(await provisioned());
    hall.change({ devices: hall.devices, users: more });
    await hall.run();
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name));
    await expect(hall.run()).rejects.toMatchObject({ code: "left-out" });
    expect(hall.state).toMatchObject({ sets: [], pending: undefined });
  });
});
