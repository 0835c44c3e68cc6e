import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { backupOf, restore, state, withDevices, withKey } from "./testing/backups.ts";
import { login, type SoftNethsm, startSoftNethsm, testUsers } from "./testing.ts";

const admin = login(testUsers.admin);
const operator = login(testUsers.operator);

const signature = async (hsm: SoftNethsm) =>
  (await hsm.request("POST", "/keys/k/sign", { user: operator, json: { mode: "EdDSA", message: "YQ==" } })).text;

test.each([
  ["5.0", "5.0"],
  ["2.2", "5.0"],
  ["2.2", "2.2"],
] as const)("a backup of release %s moves a whole device to a fresh one of release %s", (from, to) =>
  withDevices(async (keep) => {
    const source = keep(await withKey(from));
    await source.request("PUT", "/config/logging", {
      user: admin,
      json: { ipAddress: "10.1.2.3", port: 1, logLevel: "error" },
    });
    const network = { ipAddress: "10.0.0.2", netmask: "255.255.240.0", gateway: "10.0.0.1" };
    await source.request("PUT", "/config/network", { user: admin, json: network });
    const backup = await backupOf(source);
    expect(backup[15]).toBe(from === "5.0" ? 1 : 0);

    const target = keep(await startSoftNethsm({ release: to }));
    const answer = await restore(target, backup, { backupPassphrase: source.backupPassphrase });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(await state(target)).toEqual({ state: "Locked" });
    const unlock = { json: { passphrase: source.unlockPassphrase } };
    expect((await target.request("POST", "/unlock", unlock)).status).toBe(204);
    expect(await signature(target)).toBe(await signature(source));
    for (const path of ["/users", "/keys", "/config/network", "/config/logging", "/config/tls/cert.pem"]) {
      const read = async (hsm: SoftNethsm) => (await hsm.request("GET", path, { user: admin })).text;
      expect(await read(target), path).toBe(await read(source));
    }
    // The backup passphrase came along, in whichever way that version carries it.
    const again = keep(await startSoftNethsm({ release: to }));
    expect((await restore(again, await backupOf(target), { backupPassphrase: source.backupPassphrase })).status).toBe(
      204,
    );
  }),
);

test("a version 1 backup is unknown to release 2.2, and a passphrase is always needed there", () =>
  withDevices(async (keep) => {
    const source = keep(await withKey("5.0"));
    const target = keep(await startSoftNethsm({ release: "2.2" }));
    const answer = await restore(target, await backupOf(source), { backupPassphrase: source.backupPassphrase });
    expect([answer.status, await state(target)]).toEqual([400, { state: "Unprovisioned" }]);
    const old = keep(await withKey("2.2"));
    expect((await restore(old, await backupOf(old), {}, admin)).status).toBe(400);
  }));

test("into the same device: what came later is gone, its own settings stay, and it stays operational", () =>
  withDevices(async (keep) => {
    const hsm = keep(await withKey("5.0"));
    const backup = await backupOf(hsm);
    const json = { id: "later", type: "EC_P256", mechanisms: ["ECDSA_Signature"] };
    await hsm.request("POST", "/keys/generate", { user: admin, json });
    await hsm.request("PUT", "/config/logging", {
      user: admin,
      json: { ipAddress: "10.1.2.3", port: 1, logLevel: "error" },
    });
    await hsm.request("PUT", "/config/unattended-boot", { user: admin, json: { status: "on" } });
    expect((await restore(hsm, backup, {}, admin)).status).toBe(204);
    expect(await state(hsm)).toEqual({ state: "Operational" });
    expect((await hsm.request("GET", "/keys", { user: admin })).json()).toEqual([{ id: "k" }]);
    const logging = await hsm.request("GET", "/config/logging", { user: admin });
    expect(logging.json()).toMatchObject({ ipAddress: "10.1.2.3" });
    const unattended = await hsm.request("GET", "/config/unattended-boot", { user: admin });
    expect(unattended.json()).toEqual({ status: "on" });
  }));

test("with another unlock passphrase since then it ends locked, under the one of the backup", () =>
  withDevices(async (keep) => {
    const hsm = keep(await withKey("5.0"));
    const backup = await backupOf(hsm);
    const json = { currentPassphrase: hsm.unlockPassphrase, newPassphrase: "another passphrase" };
    expect((await hsm.request("PUT", "/config/unlock-passphrase", { user: admin, json })).status).toBe(204);
    expect((await restore(hsm, backup, {}, admin)).status).toBe(204);
    expect(await state(hsm)).toEqual({ state: "Locked" });
    expect((await hsm.request("POST", "/unlock", { json: { passphrase: hsm.unlockPassphrase } })).status).toBe(204);
  }));

test("systemTime sets the clock", () =>
  withDevices(async (keep) => {
    const hsm = keep(await withKey("5.0"));
    const systemTime = "2001-02-03T04:05:06Z";
    expect((await restore(hsm, await backupOf(hsm), { systemTime }, admin)).status).toBe(204);
    const { time } = (await hsm.request("GET", "/config/time", { user: admin })).json() as { time: string };
    expect(Math.abs(Date.parse(time) - Date.parse(systemTime))).toBeLessThan(5000);
  }));

test("a file cut anywhere, or with any byte changed, is refused and changes nothing", () =>
  withDevices(async (keep) => {
    const hsm = keep(await withKey("5.0"));
    const backup = await backupOf(hsm);
    const users = (await hsm.request("GET", "/users", { user: admin })).text;
    for (let at = 0; at < backup.length; at += 61) {
      const cut = await restore(hsm, backup.subarray(0, at), {}, admin);
      const changed = backup.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      const bent = await restore(hsm, changed, {}, admin);
      expect([at, cut.status, bent.status, bent.text.includes("message")]).toEqual([at, 400, 400, true]);
    }
    const wrong = await restore(hsm, backup, { backupPassphrase: "not the passphrase" }, admin);
    expect(wrong.text).toContain("Could not decrypt backup-version, authentication failed.");
    expect((await hsm.request("GET", "/users", { user: admin })).text).toBe(users);
  }));

test("the form is read by order and its first part is short", () =>
  withDevices(async (keep) => {
    const hsm = keep(await startSoftNethsm());
    const long = await restore(hsm, new Uint8Array(0), { backupPassphrase: "x".repeat(1024) });
    expect(long.json()).toEqual({ message: "Meta data is too large." });
    expect((await hsm.request("POST", "/system/restore", { json: {} })).status).toBe(415);
  }));

const shared = join(import.meta.dirname, "../../../../shared/data/backup");
const samples = ["device-v0.bin", "device-v1.bin"].filter((name) => existsSync(join(shared, name)));
if (samples.length === 0) console.warn(`skipped: backups made by real devices, which are not in ${shared}`);

test.skipIf(samples.length === 0).each(samples)("a backup made by a real device: %s", (name) =>
  withDevices(async (keep) => {
    const hsm = keep(await startSoftNethsm());
    const file = new Uint8Array(readFileSync(join(shared, name)));
    expect((await restore(hsm, file, { backupPassphrase: "backupbackup" })).status).toBe(204);
    expect((await hsm.request("POST", "/unlock", { json: { passphrase: "unlockunlock" } })).status).toBe(204);
    const users = await hsm.request("GET", "/users", { user: ["admin", "adminadmin"] });
    expect(users.json()).toEqual([{ user: "admin" }, { user: "backup" }, { user: "operator" }]);
  }),
);
