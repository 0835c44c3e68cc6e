/** Two devices: the first leads, the second follows by its backup. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { Secret } from "@signstar/primitives/secret";
import { type SoftNethsm, startSoftNethsm } from "@signstar/soft-nethsm/testing";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { administrator, backup, Clock, metrics, type Stage, setUp, signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const users = [
  administrator("admin"),
  administrator("ns1~admin"),
  signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" }),
  signing({ user: "release", operator: "ns1~op1", key: "key1", tag: "tag1", type: "EcP256" }),
  metrics("watch", "metrics1", ["watch1"]),
].join("");
const more = users + signing({ user: "second", operator: "op2", key: "key2", tag: "tag2" });

let clock: Clock;
let follower: SoftNethsm;
let stage: Stage;
beforeEach(async () => {
  clock = new Clock();
  follower = await startSoftNethsm({ uptime: clock.now });
  stage = await setUp({ clock, followers: [follower] });
});
afterEach(async () => {
  await stage.close();
  await follower.close();
});

const nothing = { plan: { changes: [], conflicts: [] } };
const state = (path: string) => join(stage.root, "var/lib/signstar", path);
const secrets = (user: string) => state(`home/${user}/.local/state/signstar/secrets`);
const passphrase = (user: string, name: string) => readFileSync(join(secrets(user), `${name}.txt`), "utf8");
const credentials = (name = "admin-credentials.toml") => readFileSync(state(`creds/${name}`), "utf8");
const field = (name: string, text = credentials()) => new RegExp(`^${name} = "(.*)"$`, "m").exec(text)?.[1] ?? "";
const admin = (text = credentials()) => /name = "admin"\npassphrase = "([^"]+)"/.exec(text)?.[1] ?? "";
const devices = () => [stage.hsm, follower];

async function accepts(hsm: SoftNethsm, name: string, word: string): Promise<boolean> {
  const { status } = await hsm.request("GET", `/users/${name}`, { user: [name, word] });
  clock.pass();
  return status !== 401;
}

/** What both devices should answer alike. */
async function publicKey(hsm: SoftNethsm, user: string, operator: string): Promise<string> {
  const answer = await hsm.request("GET", "/keys/key1/public.pem", { user: [operator, passphrase(user, operator)] });
  expect(answer.status).toBe(200);
  return answer.text;
}

test("a new site: both devices hold the same keys and answer to the same passphrases", async () => {
  const planned = await stage.plans(users);
  expect(planned.map(({ plan }) => plan.conflicts)).toEqual([[], []]);
  expect(planned[1]?.plan.changes).toEqual([
    { kind: "provision" },
    { kind: "restore-from-leader", reasons: ["it is new", "the first device has changed"] },
  ]);
  const made = await stage.apply(users);
  expect(made).toEqual(planned.flatMap(({ plan }) => plan.changes));
  expect(await stage.plans(users)).toMatchObject([nothing, nothing]);
  expect(await stage.apply(users)).toEqual([]);
  for (const [user, operator] of [
    ["build", "op1"],
    ["release", "ns1~op1"],
  ] as const) {
    expect(await publicKey(follower, user, operator)).toBe(await publicKey(stage.hsm, user, operator));
  }
  // Nobody has a mapping for backups: root keeps it, and the user it was made with is gone.
  const kept = state("backup/signstarbackup/latest.bkp");
  expect([statSync(kept).mode & 0o777, statSync(state("backup/signstarbackup")).mode & 0o777]).toEqual([0o600, 0o700]);
  const opened = await validateBackup([readFileSync(kept)], {
    backup: Secret.fromText(field("backup_passphrase")),
    unlock: Secret.fromText(field("unlock_passphrase")),
  });
  expect(opened.depth).toBe("values");
  for (const hsm of devices()) {
    const list = await hsm.request("GET", "/users", { user: ["admin", admin()] });
    expect(list.text).not.toContain("signstarbackup");
  }
});

test("the other device gets what the first has got", async () => {
  await stage.apply(users);
  const planned = await stage.plans(more);
  expect(planned[1]?.plan.changes).toMatchObject([{ kind: "restore-from-leader" }]);
  await stage.apply(more);
  expect(await stage.plans(more)).toMatchObject([nothing, nothing]);
  expect(await accepts(follower, "op2", passphrase("second", "op2"))).toBe(true);
});

test("a device that has lost something, or gained a user, is restored; the first stays as it is", async () => {
  await stage.apply(users);
  const user = ["admin", admin()] as const;
  const stranger = { realName: "x", role: "Administrator", passphrase: "a passphrase of a stranger" };
  expect((await follower.request("PUT", "/users/stranger", { user, json: stranger })).status).toBe(201);
  expect((await follower.request("DELETE", "/users/op1/tags/tag1", { user })).status).toBe(204);
  const [first, second] = await stage.plans(users);
  expect(first).toMatchObject(nothing);
  expect(second?.plan.changes).toEqual([
    {
      kind: "restore-from-leader",
      reasons: expect.arrayContaining([
        "- user stranger",
        "~ user op1: + tag tag1",
        "user stranger is not as on the first device",
      ]),
    },
  ]);
  expect((await stage.apply(users)).map(({ kind }) => kind)).toEqual(["restore-from-leader"]);
  expect(await stage.plans(users)).toMatchObject([nothing, nothing]);
});

test("a key that the first device does not hold is in the way of a restore, and the first is done all the same", async () => {
  await stage.apply(users);
  const user = ["admin", admin()] as const;
  const json = { id: "key9", type: "Curve25519", mechanisms: ["EdDSA_Signature"] };
  expect((await follower.request("POST", "/keys/generate", { user, json })).status).toBe(201);
  await expect(stage.apply(more)).rejects.toMatchObject({
    code: "left-out",
    exit: 78,
    message: expect.stringContaining("key key9 is not on the first device"),
  });
  const [first, second] = await stage.plans(more);
  expect(first?.plan.changes.map(({ kind }) => kind)).toEqual([]);
  expect(second?.plan.conflicts).toEqual([expect.stringContaining("key key9")]);
  await stage.apply(more, { allowKeyRemoval: true });
  expect(await stage.plans(more)).toMatchObject([nothing, nothing]);
});

test("another key of the same name is never replaced", async () => {
  await stage.apply(users);
  const user = ["admin", admin()] as const;
  expect((await follower.request("DELETE", "/keys/key1", { user })).status).toBe(204);
  const json = { id: "key1", type: "Curve25519", mechanisms: ["EdDSA_Signature"], restrictions: { tags: ["tag1"] } };
  expect((await follower.request("POST", "/keys/generate", { user, json })).status).toBe(201);
  await expect(stage.apply(users)).rejects.toMatchObject({
    code: "left-out",
    message: expect.stringContaining("key key1 is another than on the first device"),
  });
});

test("a device that is away is told of, the first is done, and the next run finishes", async () => {
  const away = await setUp({ clock, root: stage.root, device: stage.hsm, followers: [await closed()] });
  await expect(away.apply(users)).rejects.toMatchObject({ code: "out-of-reach", exit: 69 });
  const [first, second] = await away.plans(users);
  // What was before is kept until that device has answered.
  expect(first?.plan.changes).toEqual([]);
  expect(second).toMatchObject({ state: "Unreachable", plan: { conflicts: [expect.stringContaining("127.0.0.1")] } });
  await stage.apply(users);
  expect(await stage.plans(users)).toMatchObject([nothing, nothing]);
});

test("a new device leads nobody who holds keys, and follows whoever does", async () => {
  await stage.apply(users);
  const key = await publicKey(stage.hsm, "build", "op1");
  const fresh = await startSoftNethsm({ uptime: clock.now });
  onTestFinished(() => fresh.close());
  const leading = await setUp({ clock, root: stage.root, device: fresh, followers: [follower] });
  expect((await leading.plan(users)).conflicts).toContain(
    `the first device is new, and ${follower.url} is Operational: let that one be the first`,
  );
  await expect(leading.apply(users)).rejects.toMatchObject({ code: "conflict", exit: 78 });
  expect((await fresh.request("GET", "/health/state")).json()).toEqual({ state: "Unprovisioned" });
  const following = await setUp({ clock, root: stage.root, device: follower, followers: [fresh] });
  await following.apply(users);
  expect(await following.plans(users)).toMatchObject([nothing, nothing]);
  expect(await publicKey(fresh, "build", "op1")).toBe(key);
});

async function closed(): Promise<SoftNethsm> {
  const hsm = await startSoftNethsm();
  await hsm.close();
  return hsm;
}

test("a device that is locked is unlocked, whether it leads or follows, and nothing else is done", async () => {
  await stage.apply(users);
  const unlocked = [{ kind: "unlock" }];
  for (const [number, hsm] of devices().entries()) {
    expect((await hsm.request("POST", "/lock", { user: ["admin", admin()] })).status).toBe(204);
    const plans = await stage.plans(users);
    expect(plans.map(({ plan }) => plan.conflicts)).toEqual([[], []]);
    expect(plans.map(({ plan }) => plan.changes)).toEqual(number === 0 ? [unlocked, []] : [[], unlocked]);
    expect(await stage.apply(users)).toEqual(unlocked);
    expect(await stage.plans(users)).toMatchObject([nothing, nothing]);
  }
});

test("--rotate: every user but the administrators has another passphrase on both devices", async () => {
  await stage.apply(users);
  const before = passphrase("release", "ns1~op1");
  const adminBefore = admin();
  await stage.apply(users, { rotate: true });
  expect(admin()).toBe(adminBefore);
  expect(readdirSync(secrets("watch")).sort()).toEqual(["metrics1.txt", "watch1.txt"]);
  for (const hsm of devices()) {
    expect(await accepts(hsm, "ns1~op1", before)).toBe(false);
    expect(await accepts(hsm, "ns1~op1", passphrase("release", "ns1~op1"))).toBe(true);
  }
  expect(await stage.plans(users)).toMatchObject([nothing, nothing]);
});

test("the one before is kept as long as a device may need it", async () => {
  await stage.apply(users);
  const before = passphrase("build", "op1");
  const away = await setUp({ clock, root: stage.root, device: stage.hsm, followers: [await closed()] });
  await expect(away.apply(users, { rotate: true })).rejects.toMatchObject({ exit: 69 });
  expect(readFileSync(join(secrets("build"), "op1.txt.old"), "utf8")).toBe(before);
  expect(await accepts(follower, "op1", before)).toBe(true);
  const [first, second] = await stage.plans(users);
  expect(new Set(first?.plan.changes.map(({ kind }) => kind))).toEqual(new Set(["settle-passphrase"]));
  expect(second?.plan.changes).toMatchObject([{ kind: "restore-from-leader" }]);
  await stage.apply(users);
  expect(readdirSync(secrets("build"))).toEqual(["op1.txt"]);
  expect(await accepts(follower, "op1", before)).toBe(false);
  expect(await stage.plans(users)).toMatchObject([nothing, nothing]);
});

test("another iteration: unlocking, backups and all administrators have other passphrases everywhere", async () => {
  await stage.apply(users);
  const before = credentials();
  const next = { iteration: 2 };
  const planned = await stage.plans(users, next);
  expect(planned[0]?.plan.changes.map(({ kind }) => kind)).toEqual([
    "write-admin-credentials",
    "set-unlock-passphrase",
    ...Array(2).fill("set-administrator-passphrase"),
    "set-backup-passphrase",
    "keep-backup",
    "settle-admin-credentials",
  ]);
  const made = await stage.apply(users, next);
  expect(made.map(({ kind }) => kind).sort()).toEqual(
    planned.flatMap(({ plan }) => plan.changes.map(({ kind }) => kind)).sort(),
  );
  expect(await stage.plans(users, next)).toMatchObject([nothing, nothing]);
  expect(existsSync(state("creds/admin-credentials.toml.old"))).toBe(false);
  for (const hsm of devices()) {
    expect(await accepts(hsm, "admin", admin(before))).toBe(false);
    expect((await hsm.request("POST", "/lock", { user: ["admin", admin()] })).status).toBe(204);
    const unlock = async (text: string) =>
      (await hsm.request("POST", "/unlock", { json: { passphrase: field("unlock_passphrase", text) } })).status;
    expect(await unlock(before)).toBe(403);
    clock.pass();
    expect(await unlock(credentials())).toBe(204);
  }
});

test("a device that missed a rotation of the administrators is not forgotten, nor passed by the next", async () => {
  await stage.apply(users);
  const before = credentials();
  const away = await setUp({ clock, root: stage.root, device: stage.hsm, followers: [await closed()] });
  await expect(away.apply(users, { iteration: 2 })).rejects.toMatchObject({ exit: 69 });
  expect(credentials("admin-credentials.toml.old")).toBe(before);
  // Locked with the unlock passphrase before.
  expect((await follower.request("POST", "/lock", { user: ["admin", admin(before)] })).status).toBe(204);
  await expect(away.apply(users, { iteration: 3 })).rejects.toMatchObject({ exit: 69 });
  expect(credentials("admin-credentials.toml.old")).toBe(before);
  expect(credentials()).toContain("iteration = 2");
  await stage.apply(users, { iteration: 3 });
  expect(credentials()).toContain("iteration = 3");
  expect(existsSync(state("creds/admin-credentials.toml.old"))).toBe(false);
  expect(await stage.plans(users, { iteration: 3 })).toMatchObject([nothing, nothing]);
});

test("a Backup user of one run that was left over goes, one that is configured stays", async () => {
  const own = users + backup("keeper", "signstarbackup");
  await stage.apply(users);
  const user = ["admin", admin()] as const;
  const json = { realName: "left over", role: "Backup", passphrase: "nobody knows this" };
  for (const hsm of devices()) {
    expect((await hsm.request("PUT", "/users/signstarbackup", { user, json })).status).toBe(201);
  }
  const planned = await stage.plans(users);
  expect(planned[0]?.plan.changes.map(({ kind }) => kind)).toEqual(["remove-user", "keep-backup"]);
  await stage.apply(users);
  expect(await stage.plans(users)).toMatchObject([nothing, nothing]);
  expect((await follower.request("GET", "/users/signstarbackup", { user })).status).toBe(404);

  await stage.apply(own);
  expect(await stage.plans(own)).toMatchObject([nothing, nothing]);
  const made = await follower.request("POST", "/system/backup", {
    user: ["signstarbackup", passphrase("keeper", "signstarbackup")],
  });
  expect(made.status).toBe(200);
  expect(statSync(state("backup/keeper/latest.bkp")).mode & 0o777).toBe(0o640);
});

test("a backup that cannot be opened is not kept, and is due until one can", async () => {
  const own = users + backup("keeper", "backup1");
  await stage.apply(own);
  const kept = readFileSync(state("backup/keeper/latest.bkp"));
  const user = ["admin", admin()] as const;
  const json = { currentPassphrase: field("backup_passphrase"), newPassphrase: "set by someone else" };
  expect((await stage.hsm.request("PUT", "/config/backup-passphrase", { user, json })).status).toBe(204);
  await expect(stage.apply(more + backup("keeper", "backup1"))).rejects.toMatchObject({ code: "bad-backup", exit: 76 });
  expect(readFileSync(state("backup/keeper/latest.bkp"))).toEqual(kept);
  const back = { currentPassphrase: json.newPassphrase, newPassphrase: json.currentPassphrase };
  expect((await stage.hsm.request("PUT", "/config/backup-passphrase", { user, json: back })).status).toBe(204);
  expect((await stage.apply(more + backup("keeper", "backup1"))).map(({ kind }) => kind)).toEqual([
    "keep-backup",
    "restore-from-leader",
  ]);
});
