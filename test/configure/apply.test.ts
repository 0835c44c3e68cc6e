import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { administrator, backup, metrics, type Stage, setUp, signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const everything = [
  administrator("admin"),
  administrator("admin2"),
  administrator("ns1~admin"),
  signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" }),
  signing({ user: "release", operator: "ns1~op1", key: "key1", tag: "tag1", type: "EcP256" }),
  backup("keeper", "backup1"),
  metrics("watch", "metrics1", ["watch1", "ns1~watch1"]),
].join("");
const small = administrator("admin") + signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" });

let stage: Stage;
beforeEach(async () => {
  stage = await setUp();
});
afterEach(() => stage.close());

const nothing = { changes: [], conflicts: [] };
const home = (user: string) => join(stage.root, "var/lib/signstar/home", user, ".local/state/signstar/secrets");
const passphrase = (user: string, name: string) => readFileSync(join(home(user), `${name}.txt`), "utf8");
const admin = () => {
  const text = readFileSync(join(stage.root, "var/lib/signstar/creds/admin-credentials.toml"), "utf8");
  return ["admin", /name = "admin"\npassphrase = "([^"]+)"/.exec(text)?.[1] ?? ""] as const;
};

test("a new device becomes what the configuration says, and then there is nothing to do", async () => {
  const planned = await stage.plan(everything);
  expect(planned.conflicts).toEqual([]);
  expect(existsSync(join(stage.root, "var/lib/signstar"))).toBe(false);

  const made = await stage.apply(everything);
  expect(made).toEqual(planned.changes);
  expect(await stage.plan(everything)).toMatchObject(nothing);
  expect(await stage.apply(everything)).toEqual([]);

  const state = join(stage.root, "var/lib/signstar");
  expect(readdirSync(join(state, "certificates")).sort()).toEqual(["key1.pgp", "ns1~key1.pgp"]);
  expect(lstatSync(join(state, "creds")).mode & 0o777).toBe(0o700);
  expect(lstatSync(join(state, "creds/admin-credentials.toml")).mode & 0o777).toBe(0o600);
  expect(lstatSync(join(state, "certificates/key1.pgp")).mode & 0o777).toBe(0o644);
  expect(readdirSync(home("watch")).sort()).toEqual(["metrics1.txt", "ns1~watch1.txt", "watch1.txt"]);
  expect(lstatSync(join(home("watch"), "watch1.txt")).mode & 0o777).toBe(0o600);

  const user = ["ns1~op1", passphrase("release", "ns1~op1")] as const;
  const cert = await stage.hsm.request("GET", "/keys/key1/cert", { user });
  expect(Buffer.from(cert.bytes)).toEqual(readFileSync(join(state, "certificates/ns1~key1.pgp")));
  const watcher = ["metrics1", passphrase("watch", "metrics1")] as const;
  expect((await stage.hsm.request("GET", "/metrics", { user: watcher })).status).toBe(200);
  const backupPassphrase = { newPassphrase: "another passphrase", currentPassphrase: "" };
  const answer = await stage.hsm.request("PUT", "/config/backup-passphrase", { user: admin(), json: backupPassphrase });
  expect(answer.status).toBe(403);
});

test("a key that is of another type than configured is refused, and nothing is changed", async () => {
  await stage.apply(small);
  const other =
    administrator("admin") + signing({ user: "build", operator: "op2", key: "key1", tag: "tag2", type: "EcP256" });
  const plan = await stage.plan(other);
  expect(plan.conflicts).toEqual([
    expect.stringContaining("key key1 is of type Curve25519 on the device, not EC_P256"),
    expect.stringContaining("mechanisms EdDSA_Signature"),
  ]);
  await expect(stage.apply(other)).rejects.toMatchObject({ code: "conflict", exit: 78 });
  expect(await stage.plan(small)).toMatchObject(nothing);
});

test("what the configuration no longer has is removed, but no key", async () => {
  await stage.apply(everything);
  const made = await stage.apply(small);
  expect(made.map(({ kind }) => kind)).toEqual([...Array(4).fill("remove-user"), "keep-backup"]);
  const plan = await stage.plan(small);
  expect(plan).toMatchObject(nothing);
  expect(plan.notes).toEqual([expect.stringContaining("namespace ns1 is not in the configuration and stays")]);
  const users = await stage.hsm.request("GET", "/users", { user: admin() });
  expect(users.json()).toEqual(["admin", "ns1~admin", "ns1~op1", "ns1~watch1", "op1"].map((user) => ({ user })));
});

test("keys and namespaces go when [removal] lists them", async () => {
  const second = signing({ user: "second", operator: "op2", key: "key2", tag: "tag2" });
  await stage.apply(everything + second);
  const removal = `[removal]\nkeys = ["key2"]\nnamespaces = ["ns1"]\n`;
  await stage.apply(`${small}${removal}`);
  const plan = await stage.plan(small);
  expect(plan).toMatchObject({ ...nothing, notes: [] });
  const users = await stage.hsm.request("GET", "/users", { user: admin() });
  expect(users.json()).toEqual([{ user: "admin" }, { user: "op1" }]);
});

test("a changed tag reaches key and user", async () => {
  await stage.apply(small);
  const made = await stage.apply(small.replace('tag = "tag1"', 'tag = "tag2"'));
  expect(made.map(({ kind }) => kind)).toEqual([
    "remove-user-tag",
    "add-key-tag",
    "remove-key-tag",
    "add-user-tag",
    "keep-backup",
  ]);
  const tags = await stage.hsm.request("GET", "/users/op1/tags", { user: admin() });
  expect(tags.json()).toEqual(["tag2"]);
  const key = await stage.hsm.request("GET", "/keys/key1", { user: admin() });
  expect(key.json()).toMatchObject({ restrictions: { tags: ["tag2"] } });
});

test("a passphrase that the device refuses is made anew", async () => {
  await stage.apply(small);
  const before = passphrase("build", "op1");
  const answer = await stage.hsm.request("POST", "/users/op1/passphrase", {
    user: admin(),
    json: { passphrase: "someone-else-set-this" },
  });
  expect(answer.status).toBe(204);
  const made = await stage.apply(small);
  expect(made.map(({ kind }) => kind)).toEqual(["set-passphrase", "keep-backup"]);
  expect(passphrase("build", "op1")).not.toBe(before);
  expect(readdirSync(home("build"))).toEqual(["op1.txt"]);
});

test("a locked device is unlocked first", async () => {
  await stage.apply(small);
  expect((await stage.hsm.request("POST", "/lock", { user: admin() })).status).toBe(204);
  expect(await stage.plan(small)).toMatchObject({ changes: [{ kind: "unlock" }], conflicts: [] });
  expect(await stage.apply(small)).toEqual([{ kind: "unlock" }]);
});

test("a locked device that has another unlock passphrase is left alone", async () => {
  await stage.apply(small);
  expect((await stage.hsm.request("POST", "/lock", { user: admin() })).status).toBe(204);
  const file = join(stage.root, "var/lib/signstar/creds/admin-credentials.toml");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/unlock_passphrase = ".*"/, 'unlock_passphrase = "that of another device"'));
  await expect(stage.apply(small)).rejects.toMatchObject({
    code: "credentials-refused",
    exit: 77,
    message: expect.stringContaining("unlock passphrase"),
  });
  writeFileSync(file, text);
  expect((await stage.hsm.request("GET", "/health/state")).json()).toEqual({ state: "Locked" });
});

test("an administrator that the configuration gains gets a passphrase in the admin credentials", async () => {
  await stage.apply(small);
  const made = await stage.apply(small + administrator("ns2~boss"));
  expect(made.map(({ kind }) => kind)).toEqual([
    "write-admin-credentials",
    "create-administrator",
    "create-namespace",
    "keep-backup",
  ]);
  expect(await stage.plan(small + administrator("ns2~boss"))).toMatchObject(nothing);
});

test("a provisioned device without admin credentials on this host is refused", async () => {
  await stage.apply(small);
  rmSync(join(stage.root, "var/lib/signstar/creds/admin-credentials.toml"));
  await expect(stage.plan(small)).rejects.toMatchObject({ code: "no-credentials", exit: 78 });
});
