import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "@signstar/config/parse";
import { adminStoreOf } from "@signstar/configure/admin-store";
import { applyWithStore } from "@signstar/configure/apply-site";
import { desiredFrom } from "@signstar/configure/desired";
import { NetHsm } from "@signstar/nethsm/client";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Died, type HallOptions, of, TestHall, users } from "./hall.ts";
import { administrator, signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

let hall: TestHall;
afterEach(() => hall?.close());

async function opened(options: HallOptions = {}): Promise<TestHall> {
  hall = await TestHall.open(options);
  await hall.run();
  return hall;
}

describe("the first boot", () => {
  test("a new device gets its secret when every holder has confirmed, and not before", async () => {
    await opened();
    expect(hall.state.pending).toMatchObject({ threshold: 2, numberOfShares: 3 });
    expect(hall.waiting).toHaveLength(3);
    hall.confirm("ann", hall.fetch("ann"));
    hall.confirm("bob", hall.fetch("ann"));
    await hall.run();
    expect(hall.state.pending?.holders.map(({ confirmed }) => confirmed)).toEqual([true, false, false]);
    expect(await hall.deviceState()).toEqual({ state: "Unprovisioned" });
    await hall.shareOut();
    expect(await hall.deviceState()).toEqual({ state: "Operational" });
    expect(hall.state).toMatchObject({
      pending: undefined,
      sets: [{ standing: "in-force" }],
      last: { outcome: "done" },
    });
    expect(hall.waiting).toEqual([]);
    expect(existsSync(hall.paths.adminSecret)).toBe(false);
    hall.events.length = 0;
    await hall.run({ connect: () => expect.unreachable("there is nothing to do") });
    expect(hall.events).toEqual([]);
  });

  test("shares that nobody fetches in time are void, and others are made", async () => {
    await opened();
    const first = hall.state.pending?.set;
    const share = hall.fetch("ann");
    hall.confirm("ann", share);
    hall.now = new Date(hall.now.getTime() + 25 * 3_600_000);
    await hall.run();
    expect(hall.state).toMatchObject({
      last: { outcome: "void" },
      pending: { holders: [{ confirmed: false }, {}, {}] },
    });
    expect(hall.state.pending?.set).not.toBe(first);
    expect(hall.fetch("ann")).not.toEqual(share);
  });

  test("a clock that was put back does not make shares wait longer", async () => {
    await opened();
    const first = hall.state.pending?.deadline.getTime() ?? 0;
    hall.now = new Date(hall.now.getTime() - 1000 * 3_600_000);
    await hall.run();
    expect(hall.state.pending?.deadline.getTime()).toBe(first - 1000 * 3_600_000);
  });

  test("a reboot while shares wait makes new ones", async () => {
    await opened();
    const first = hall.state.pending?.set;
    hall.reboot();
    await hall.run();
    expect(hall.state.pending?.set).not.toBe(first);
    await hall.shareOut();
    expect(await hall.deviceState()).toEqual({ state: "Operational" });
  });

  test("a reboot after the last confirmation costs a threshold of shares, nothing else", async () => {
    await opened();
    const cut = { connect: () => expect.unreachable("the power is gone") };
    const shares = new Map(["ann", "bob", "eve"].map((name) => [name, hall.fetch(name)]));
    for (const [name, share] of shares) hall.confirm(name, share);
    await expect(hall.run(cut)).rejects.toThrow("the power is gone");
    expect(hall.state.sets).toMatchObject([{ standing: "confirmed" }]);
    hall.reboot();
    await hall.run();
    expect(hall.state.pending).toBeUndefined();
    expect(await hall.deviceState()).toEqual({ state: "Unprovisioned" });
    hall.handIn("eve", of(shares, "eve"));
    hall.handIn("ann", of(shares, "ann"));
    await hall.run();
    expect(await hall.deviceState()).toEqual({ state: "Operational" });
    expect(hall.state.sets).toMatchObject([{ standing: "in-force" }]);
  });

  test("one holder alone is not enough to share with", async () => {
    hall = await TestHall.open({ holders: ["ann"], threshold: 1 });
    await expect(hall.run()).rejects.toMatchObject({ code: "too-few-holders", exit: 78 });
  });
});

describe("what holders agree on", () => {
  test("plan: written for all to read, nothing changed", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.change({ users: users + signing({ user: "build", operator: "op2", key: "key2", tag: "tag2" }) });
    hall.handIn("ann", of(shares, "ann"), "plan");
    await hall.run();
    expect(existsSync(hall.paths.plan)).toBe(false);
    hall.handIn("bob", of(shares, "bob"), "plan");
    await hall.run();
    expect(readFileSync(hall.paths.plan, "utf8")).toContain("+ user op2");
    expect(hall.waiting).toEqual([]);
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name));
    await hall.run();
    expect(existsSync(hall.paths.plan)).toBe(false);
  });

  test("apply: the configuration's new user is made, and every passphrase is another one", async () => {
    await opened();
    const shares = await hall.shareOut();
    const file = join(hall.root, "var/lib/signstar/home/release/.local/state/signstar/secrets/op1.txt");
    const before = readFileSync(file, "utf8");
    hall.change({ users: users + signing({ user: "build", operator: "op2", key: "key2", tag: "tag2" }) });
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("eve", of(shares, "eve"));
    await hall.run();
    expect(hall.state.last).toMatchObject({ outcome: "done", intent: "apply" });
    expect(readFileSync(file, "utf8")).not.toBe(before);
    expect(existsSync(file.replace("release", "build").replace("op1", "op2"))).toBe(true);
  });

  test("different intents start nothing, and go when one is followed", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.handIn("ann", of(shares, "ann"), "plan");
    hall.handIn("bob", of(shares, "bob"));
    await hall.run();
    expect(hall.waiting).toHaveLength(4);
    hall.handIn("eve", of(shares, "eve"));
    await hall.run();
    expect(hall.state.last?.message).toMatch(/other intents are void: plan$/);
    expect(hall.waiting).toEqual([]);
  });

  test.each(["reboot", "shutdown", "factory-reset"])("%s, interrupted, is not begun again", async (intent) => {
    await opened();
    const shares = await hall.shareOut();
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name), intent);
    hall.dieAt(2);
    await expect(hall.run()).rejects.toThrow(Died);
    expect(hall.waiting).toEqual([]);
  });

  test("factory-reset: no device is given the secret whose shares are waiting", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.change({ iteration: 2 });
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name));
    await hall.run();
    const fresh = ["ann", "bob", "eve"].map((name) => [name, hall.fetch(name)] as const);
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name), "factory-reset");
    await hall.run();
    for (const [name, share] of fresh) hall.confirm(name, share);
    await hall.run();
    expect(await hall.deviceState()).toEqual({ state: "Unprovisioned" });
    expect(hall.state.pending).toBeUndefined();
  });

  test("what a holder hands in meanwhile is a vote of its own", async () => {
    await opened();
    const shares = await hall.shareOut();
    for (const name of ["ann", "bob"]) hall.handIn(name, of(shares, name), "plan");
    await hall.run({
      connect: (to) => {
        hall.handIn("ann", of(shares, "ann"), "unlock");
        return new NetHsm(to);
      },
    });
    expect(hall.state.last).toMatchObject({ outcome: "done", intent: "plan" });
    const [intent = "", ...others] = hall.waiting;
    expect(others).toHaveLength(1);
    expect(readFileSync(`${hall.paths.sharesUpload}/share-up/${intent}`, "utf8")).toBe("unlock\n");
  });

  test("a share that waits too long, one of a stranger, and what is no share are thrown away", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("mallory", of(shares, "bob"));
    hall.handIn("bob", new Uint8Array(100));
    hall.now = new Date(Date.now() + 25 * 3_600_000);
    await hall.run();
    expect(hall.events.filter((event) => event === "share-refused")).toHaveLength(3);
    expect(hall.waiting).toEqual([]);
  });

  test("neither a time that its owner has given it nor a clock that was put back makes a share wait longer", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.handIn("ann", of(shares, "ann"));
    for (const file of hall.waiting) utimesSync(join(hall.paths.sharesUpload, "share-up", file), 2 ** 32, 2 ** 32);
    await hall.run();
    expect(hall.waiting).toHaveLength(2);
    hall.now = new Date(Date.now() + 25 * 3_600_000);
    await hall.run();
    expect(hall.waiting).toEqual([]);
    hall.handIn("ann", of(shares, "ann"));
    hall.now = new Date(Date.now() - 25 * 3_600_000);
    await hall.run();
    expect(hall.waiting).toEqual([]);
  });

  test("links and directories in the place of shares hurt nobody", async () => {
    await opened();
    const shares = await hall.shareOut();
    const directory = `${hall.paths.sharesUpload}/share-up`;
    const target = join(hall.root, "target");
    writeFileSync(target, of(shares, "ann"), { mode: 0o600 });
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("eve", of(shares, "eve"));
    const [file = ""] = hall.waiting.filter((name) => name.endsWith(".share"));

    rmSync(join(directory, file));
    symlinkSync(target, join(directory, file));
    mkdirSync(join(directory, `${"0".repeat(64)}.share`));
    await hall.run();
    expect(readFileSync(target)).toHaveLength(of(shares, "ann").length);
    expect(hall.state.last?.intent).toBe("apply");
    expect(hall.waiting.filter((name) => name.endsWith(".share"))).toHaveLength(2);
  });
});

describe("another set of shares", () => {
  test("other holders: new shares first, and the old ones are void when the new ones are in force", async () => {
    await opened();
    const shares = await hall.shareOut();
    const [old] = hall.state.sets;
    hall.change({ holders: ["ann", "bob", "zoe"] });
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("eve", of(shares, "eve"));
    // A holder who is no longer one cannot hand in.
    await hall.run();
    expect(hall.state.pending).toBeUndefined();
    hall.handIn("bob", of(shares, "bob"));
    await hall.run();
    expect(hall.state.pending?.holders).toHaveLength(3);
    expect(hall.state.sets).toMatchObject([{ set: old?.set, standing: "in-force" }]);
    const fresh = await hall.shareOut();
    expect(hall.state).toMatchObject({
      pending: undefined,
      sets: [
        { set: old?.set, standing: "void" },
        { standing: "in-force", holders: [expect.any(String), expect.any(String), expect.any(String)] },
      ],
    });
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("bob", of(shares, "bob"));
    hall.events.length = 0;
    await hall.run();
    expect(hall.events).toEqual(["share-refused", "share-refused"]);
    hall.handIn("ann", of(fresh, "ann"), "plan");
    hall.handIn("zoe", of(fresh, "zoe"), "plan");
    await hall.run();
    expect(hall.state.last).toMatchObject({ outcome: "done", message: "nothing is to be done" });
  });

  test("a new administrator, or another iteration: the devices change when all have the new shares", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.change({ iteration: 2, users: `${users}${administrator("admin2")}` });
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("bob", of(shares, "bob"));
    await hall.run();
    expect(hall.state.pending).toMatchObject({ iteration: 2 });
    const fresh = await hall.shareOut();
    expect(hall.state.last).toMatchObject({ outcome: "done" });
    hall.handIn("ann", of(fresh, "ann"), "plan");
    hall.handIn("bob", of(fresh, "bob"), "plan");
    await hall.run();
    expect(readFileSync(hall.paths.plan, "utf8")).toContain("nothing to do");
  });

  test("memory lost in the middle: shares of both sets are needed, and enough", async () => {
    await opened();
    const shares = await hall.shareOut();
    hall.change({ iteration: 2 });
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("bob", of(shares, "bob"));
    await hall.run();
    let changes = 0;
    const cut = {
      done: () => {
        changes += 1;
        if (changes === 1) throw new Error("the power is gone");
      },
    };
    const fresh = new Map(["ann", "bob", "eve"].map((name) => [name, hall.fetch(name)]));
    for (const [name, share] of fresh) hall.confirm(name, share);
    await expect(hall.run(cut)).rejects.toThrow("the power is gone");
    hall.reboot();
    await hall.run();
    hall.handIn("ann", of(fresh, "ann"));
    hall.handIn("bob", of(fresh, "bob"));
    await hall.run();
    expect(hall.events.at(-1)).toBe("waiting");
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("eve", of(shares, "eve"));
    await hall.run();
    expect(hall.state.sets).toMatchObject([{ standing: "void" }, { standing: "in-force", iteration: 2 }]);
  });
});

describe("credentials that the host has kept", () => {
  async function kept(): Promise<void> {
    hall = await TestHall.open();
    const config = parseConfig(hall.keepingConfig);
    const site = hall.site({ config, desired: desiredFrom(config) });
    await applyWithStore(site, adminStoreOf(config, site.place), { rotate: false });
    expect(existsSync(hall.paths.adminCredentials)).toBe(true);
    await hall.run();
    expect(hall.state.pending).toBeDefined();
  }

  test("move into shares, and are gone when no device answers to them", async () => {
    await kept();
    expect(existsSync(hall.paths.adminCredentials)).toBe(true);
    await hall.shareOut();
    expect(hall.state.sets).toMatchObject([{ standing: "in-force" }]);
    expect(existsSync(hall.paths.adminCredentials)).toBe(false);
  });

  test("are needed until then: with memory lost, beside the shares", async () => {
    await kept();
    const shares = new Map(["ann", "bob", "eve"].map((name) => [name, hall.fetch(name)]));
    for (const [name, share] of shares) hall.confirm(name, share);
    hall.dieAt(6);
    await expect(hall.run()).rejects.toThrow(Died);
    hall.dieAt(Number.POSITIVE_INFINITY);
    hall.reboot();
    await hall.run();
    hall.handIn("ann", of(shares, "ann"));
    hall.handIn("eve", of(shares, "eve"));
    await hall.run();
    expect(hall.state).toMatchObject({ last: { outcome: "done" }, sets: [{ standing: "in-force" }] });
    expect(existsSync(hall.paths.adminCredentials)).toBe(false);
  });
});
