import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { silentLog } from "./log.ts";
import { type Running, serve } from "./serve.ts";
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "./testing.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const admin = login(testUsers.admin);
const operator = login(testUsers.operator);
let hsm: ProvisionedSoftNethsm;

beforeAll(async () => {
  hsm = await provisioned();
  const json = { id: "k", type: "Curve25519", mechanisms: ["EdDSA_Signature"] };
  await hsm.request("POST", "/keys/generate", { user: admin, json });
});
afterAll(() => hsm.close());

const state = async () => (await hsm.request("GET", "/health/state")).json();
const put = async (path: string, json: object) => (await hsm.request("PUT", path, { user: admin, json })).status;
const operations = async () => {
  const key = (await hsm.request("GET", "/keys/k", { user: admin })).json();
  return (key as { operations: number }).operations;
};

test("a reboot ends locked, with unattended boot operational; counters survive it", async () => {
  await hsm.request("POST", "/keys/k/sign", { user: operator, json: { mode: "EdDSA", message: "" } });
  expect(await operations()).toBe(1);
  expect((await hsm.request("POST", "/system/reboot", { user: admin })).status).toBe(204);
  expect(await state()).toEqual({ state: "Locked" });
  expect((await hsm.request("POST", "/system/reboot", { user: admin })).status).toBe(412);
  expect((await hsm.request("POST", "/unlock", { json: { passphrase: hsm.unlockPassphrase } })).status).toBe(204);
  expect(await put("/config/unattended-boot", { status: "on" })).toBe(204);
  expect((await hsm.request("POST", "/system/reboot", { user: admin })).status).toBe(204);
  expect([await state(), await operations()]).toEqual([{ state: "Operational" }, 1]);
  expect((await hsm.request("POST", "/lock", { user: admin })).status).toBe(204);
  expect(await state()).toEqual({ state: "Locked" });
  await hsm.request("POST", "/unlock", { json: { passphrase: hsm.unlockPassphrase } });
  expect(await put("/config/unattended-boot", { status: "off" })).toBe(204);
});

test("a wrong unlock passphrase, or one of an impossible length, blocks the address for a second", async () => {
  await hsm.request("POST", "/lock", { user: admin });
  const unlock = async (passphrase: string) => (await hsm.request("POST", "/unlock", { json: { passphrase } })).status;
  expect([await unlock("short"), await unlock(hsm.unlockPassphrase)]).toEqual([400, 429]);
  await new Promise((resolve) => setTimeout(resolve, 1050));
  expect([await unlock("wrong passphrase"), await unlock(hsm.unlockPassphrase)]).toEqual([403, 429]);
  await new Promise((resolve) => setTimeout(resolve, 1050));
  expect(await unlock(hsm.unlockPassphrase)).toBe(204);
});

test("tags, certificates and counters of a key do not lose each other", async () => {
  const before = await operations();
  const sign = () => hsm.request("POST", "/keys/k/sign", { user: operator, json: { mode: "EdDSA", message: "" } });
  const tag = () => hsm.request("DELETE", "/keys/k/label", { user: admin });
  await Promise.all([
    sign(),
    put("/keys/k/label", { label: "a" }),
    sign(),
    put("/keys/k/label", { label: "b" }),
    sign(),
  ]);
  expect((await tag()).status).toBe(204);
  expect(await operations()).toBe(before + 3);
});

test("two requests for the same name: one is made, the other refused", async () => {
  const json = { realName: "", role: "Operator", passphrase: "long enough" };
  const answers = await Promise.all([put("/users/twin", json), put("/users/twin", json), put("/users/twin", json)]);
  expect(answers.sort()).toEqual([201, 409, 409]);
});

test("a factory reset leaves nothing, and a device of its own", async () => {
  const own = await provisioned();
  try {
    const before = await own.request("GET", "/system/info", { user: admin });
    expect((await own.request("POST", "/system/factory-reset", { user: admin })).status).toBe(204);
    expect((await own.request("GET", "/health/state")).json()).toEqual({ state: "Unprovisioned" });
    const json = {
      unlockPassphrase: "another one",
      adminPassphrase: "another one",
      systemTime: "2026-01-01T00:00:00Z",
    };
    expect((await own.request("POST", "/provision", { json })).status).toBe(204);
    const user = ["admin", "another one"] as const;
    expect((await own.request("GET", "/users", { user })).json()).toEqual([{ user: "admin" }]);
    expect((await own.request("GET", "/system/info", { user })).text).not.toBe(before.text);
  } finally {
    await own.close();
  }
});

test("what lies on disk tells no key, no passphrase and no tag", async () => {
  const dataDir = join(mkdtempSync(join(tmpdir(), "soft-nethsm-")), "data");
  const running: Running = await serve({ dataDir, host: "127.0.0.1", port: 0, release: "5.0", log: silentLog });
  const { provision } = await import("./lifecycle.ts");
  const { newUser } = await import("./auth.ts");
  await provision(running.device, {
    unlockPassphrase: "unlock me please",
    adminPassphrase: "administrator",
    systemTime: 0,
  });
  const user = newUser("real name", "Operator", "passphrase", ["secret-tag"]);
  await running.device.vault.apply({ users: new Map([["visible", user]]) });
  await running.close();
  const file = Buffer.from(readFileSync(join(dataDir, "store"))).toString("latin1");
  expect(file).toContain(fromUtf8(Buffer.from("/authentication/visible")));
  for (const secret of ["PRIVATE KEY", "secret-tag", "real name", "passphrase", "administrator", "unlock me please"]) {
    expect(file).not.toContain(secret);
  }
});
