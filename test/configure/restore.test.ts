/** Restoring staged backups. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeAdminCredentials } from "@signstar/configure/admin-credentials";
import { applySite } from "@signstar/configure/apply-site";
import { leadingAdministrator } from "@signstar/configure/desired";
import { restoreSite } from "@signstar/configure/flows/restore";
import { planSite } from "@signstar/configure/plan-site";
import { shownPin } from "@signstar/nethsm/shown-pin";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { fromUtf8 } from "@signstar/primitives/bytes";
import type { SoftNethsm } from "@signstar/soft-nethsm/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type FlowSite, flowSite } from "./flow-site.ts";
import { breakingOff, type TestSite } from "./on-site.ts";
import { signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

let own: FlowSite;
let state: string;
let backup: Uint8Array;
/** One device, as configured, and its backup. */
beforeAll(async () => {
  own = await flowSite();
  state = join(own.root, "var/lib/signstar");
  backup = readFileSync(join(state, "backup/keeper/latest.bkp"));
});
afterAll(() => own[Symbol.asyncDispose]());

const nothing = [{ plan: { changes: [], conflicts: [] } }];
const pins = (): unknown => JSON.parse(readFileSync(join(state, "tls-pins.json"), "utf8"));
const staged = (sha256: string) => join(state, `staging/backup/backup-up/${sha256}.bkp`);
const before = () => join(state, "backup/keeper/before-restore.bkp");

async function emptyDevice(): Promise<SoftNethsm> {
  const device = await own.start();
  onTestFinished(() => device.close());
  return device;
}

/** The public key, and a signature of the mapped user with what this host has for it. */
async function useKey(device: SoftNethsm) {
  const home = join(state, "home/build/.local/state/signstar/secrets/op1.txt");
  const user = ["op1", readFileSync(home, "utf8")] as const;
  const json = { mode: "EdDSA", message: Buffer.from("message").toString("base64") };
  const signed = await device.request("POST", "/keys/key1/sign", { user, json });
  const cert = await device.request("GET", "/keys/key1/cert", { user });
  return { signature: signed.text, certificate: Buffer.from(cert.bytes) };
}

describe("into a new device", () => {
  test("the same keys sign there, for the certificates of this host", async () => {
    const [old] = own.devices;
    if (old === undefined) throw new Error("no device");
    const device = await emptyDevice();
    // The device that led until now follows.
    const site = own.site({ config: own.config([device, old]) });
    const expected = await useKey(old);
    const sha256 = own.stage("backup", backup);
    await restoreSite(site, own.secrets, { sha256 });
    expect(site.made.slice(0, 2)).toEqual([
      `+ device restored from backup ${sha256}: settings, users, keys`,
      "~ device unlocked",
    ]);
    const found = await useKey(device);
    // Ed25519 signs alike.
    expect(found).toEqual(expected);
    expect(await useKey(old)).toEqual(expected);
    expect(found.certificate).toEqual(readFileSync(join(state, "certificates/key1.pgp")));
    expect(await planSite(site, own.secrets)).toMatchObject([...nothing, ...nothing]);
    expect(existsSync(staged(sha256))).toBe(false);
    expect(readdirSync(join(state, "staging/in-use"))).toEqual([]);
    // It has the certificate of the device that made the backup.
    const url = parseDeviceUrl(device.url);
    expect(`sha256:${await shownPin(url)}`).toBe(old.tlsFingerprint);
    expect(pins()).toMatchObject({ devices: { [url]: [old.tlsFingerprint.replace("sha256:", "")] } });
    // There was nothing to keep.
    expect(existsSync(before())).toBe(false);
  });

  test("its settings are those of the configuration, not those of the backup", async () => {
    const device = await emptyDevice();
    const settings = `[device]\nnetwork = { ip_address = "127.0.0.1", netmask = "255.0.0.0" }\ntls = { key_type = "EcP384" }\n`;
    // Nobody knows its certificate before, and it is another one twice.
    const config = own
      .config([device], settings)
      .replace(/tls_security = .*/, 'tls_security = { Fingerprints = { sha256 = [] } }\nbootstrap_tls = "first-use"');
    const site = own.site({ config });
    await restoreSite(site, own.secrets, { sha256: own.stage("backup", backup) });
    expect(site.made.slice(2, 4)).toEqual([
      "~ TLS key: a new one, EC_P384 (was EC_P256)",
      "~ network: 127.0.0.1 255.0.0.0 (was 192.168.1.1 255.255.255.0)",
    ]);
    const url = parseDeviceUrl(device.url);
    expect(pins()).toMatchObject({ devices: { [url]: [await shownPin(url)] } });
    expect(await planSite(site, own.secrets)).toMatchObject(nothing);
  });

  test("broken off at any call up to its users, it finishes when it is run again", { timeout: 120_000 }, async () => {
    await everyCall(
      (name) => name === "system.restore",
      async () => {
        const device = await emptyDevice();
        return { config: own.config([device]) };
      },
    );
  });
});

describe("into a device that is in use", () => {
  test("what was there is kept before", async () => {
    const more = signing({ user: "second", operator: "op2", key: "key2", tag: "tag2" });
    await applySite(own.site({ config: own.config(own.devices, more) }), own.secrets, { rotate: false });
    const old = await Promise.all(own.devices.map(useKey));
    const site = own.site();
    const sha256 = own.stage("backup", backup);
    await restoreSite(site, own.secrets, { sha256 });
    expect(site.made[0]).toBe(`~ device restored from backup ${sha256}: users, keys, passphrases`);
    expect(await Promise.all(own.devices.map(useKey))).toEqual(old);
    expect((await own.asAdmin(0, "GET", "/keys")).json()).toEqual([{ id: "key1" }]);
    expect(await planSite(site, own.secrets)).toMatchObject(nothing);
    expect(await keysIn(before())).toEqual(["/key/.ns1/key1", "/key/key1", "/key/key2"]);
    expect(readdirSync(join(state, "backup")).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("what the uploader puts in the place of the file meanwhile does not hinder", async () => {
    const sha256 = own.stage("backup", backup);
    onTestFinished(() => rmSync(staged(sha256), { recursive: true, force: true }));
    let swapped = 0;
    const done = (_: unknown, { kind }: { readonly kind: string }) => {
      if (kind !== "restore") return;
      rmSync(staged(sha256));
      mkdirSync(staged(sha256));
      swapped += 1;
    };
    await restoreSite(own.site({ done }), own.secrets, { sha256 });
    expect(swapped).toBe(1);
    // The next restore keeps what was there before it.
    expect(existsSync(join(state, "backup/.restoring"))).toBe(false);
  });

  test("the one kept before stays if there is no good one to take its place", async () => {
    const kept = readFileSync(before());
    const current = own.secrets.current.backupPassphrase.use(fromUtf8);
    const change = async (currentPassphrase: string, newPassphrase: string) => {
      const passphrase = own.secrets.current.administrators.get(leadingAdministrator)?.use(fromUtf8) ?? "";
      const json = { newPassphrase, currentPassphrase };
      const path = "/config/backup-passphrase";
      const answer = await own.devices[0]?.request("PUT", path, { user: [leadingAdministrator, passphrase], json });
      expect(answer?.status).toBe(204);
    };
    await change(current, "of somebody else");
    const sha256 = own.stage("backup", backup);
    await expect(restoreSite(own.site(), own.secrets, { sha256 })).rejects.toMatchObject({ code: "bad-backup" });
    await change("of somebody else", current);
    expect(readFileSync(before())).toEqual(kept);
  });

  test("a locked one is unlocked first", async () => {
    await own.asAdmin(0, "POST", "/lock");
    const site = own.site();
    await restoreSite(site, own.secrets, { sha256: own.stage("backup", backup) });
    expect(site.made.slice(0, 2)).toEqual(["~ device unlocked", expect.stringContaining("~ device restored")]);
  });

  test("one with another domain key and other passphrases boots as configured again", async () => {
    const other = await flowSite();
    onTestFinished(() => other[Symbol.asyncDispose]());
    const config = other.config(other.devices, '[device]\nboot_mode = "unattended"\n');
    await applySite(other.site({ config }), other.secrets, { rotate: false });
    const site = other.site({ config });
    const secrets = { current: own.secrets.current, previous: other.secrets.current };
    for (const name of ["key1", "ns1~key1"]) {
      copyFileSync(
        join(state, `certificates/${name}.pgp`),
        join(other.root, `var/lib/signstar/certificates/${name}.pgp`),
      );
    }
    await restoreSite(site, secrets, { sha256: other.stage("backup", backup) });
    expect(site.made.slice(0, 3)).toEqual([
      expect.stringContaining("~ device restored"),
      "~ device unlocked",
      "~ boot mode: unattended",
    ]);
    expect(await planSite(site, own.secrets)).toMatchObject(nothing);
  });

  test("keys of the configuration that the backup lacks are not lost", async () => {
    const more = signing({ user: "third", operator: "op3", key: "key3", tag: "tag3" });
    const site = own.site({ config: own.config(own.devices, more) });
    await applySite(site, own.secrets, { rotate: false });
    const made = site.made.length;
    const sha256 = own.stage("backup", backup);
    await expect(restoreSite(site, own.secrets, { sha256 })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("key3"),
    });
    expect(site.made).toHaveLength(made);
    await restoreSite(own.site(), own.secrets, { sha256 });
  });

  test("broken off at any call up to its users, what was there before the first attempt is kept", {
    timeout: 120_000,
  }, async () => {
    const device = await emptyDevice();
    const more = signing({ user: "fourth", operator: "op4", key: "key4", tag: "tag4" });
    const config = own.config([device]);
    await restoreSite(own.site({ config }), own.secrets, { sha256: own.stage("backup", backup) });
    await everyCall(
      (name) => name === "users.create",
      async () => {
        // The restore before has taken the key away, and nobody would make it anew.
        rmSync(join(state, "certificates/key4.pgp"), { force: true });
        await applySite(own.site({ config: config + more }), own.secrets, { rotate: false });
        return { config, kept: "/key/key4" };
      },
    );
  });
});

/** Breaks off at every call from the first of that name until 6 calls after the restore, and at the last two. Runs it again. */
async function everyCall(
  isFirst: (name: string) => boolean,
  prepare: () => Promise<{ config: string; kept?: string }>,
): Promise<void> {
  const whole = breakingOff({ call: Number.POSITIVE_INFINITY, loses: "answer" });
  const { config } = await prepare();
  await restoreSite(own.site({ config, connect: whole.connect }), own.secrets, { sha256: own.stage("backup", backup) });
  const first = whole.names.findIndex(isFirst) + 1;
  const last = whole.names.indexOf("system.restore") + 6;
  expect(first).toBeGreaterThan(0);
  const early = Array.from({ length: last + 1 - first }, (_, i) => first + i);
  for (const call of [...early, whole.names.length - 1, whole.names.length]) {
    const about = `${call}: ${whole.names[call - 1]}`;
    const { config: each, kept } = await prepare();
    const sha256 = own.stage("backup", backup);
    const { connect } = breakingOff({ call, loses: "answer" });
    await expect(restoreSite(own.site({ config: each, connect }), own.secrets, { sha256 }), about).rejects.toThrow();
    expect(existsSync(staged(sha256)), about).toBe(true);
    const site: TestSite = own.site({ config: each });
    await restoreSite(site, own.secrets, { sha256 });
    expect(await planSite(site, own.secrets), about).toMatchObject(nothing);
    expect(existsSync(staged(sha256)), about).toBe(false);
    if (kept !== undefined) expect(await keysIn(before()), about).toContain(kept);
  }
}

async function keysIn(path: string): Promise<string[]> {
  const paths: string[] = [];
  const { backupPassphrase: backup, unlockPassphrase: unlock } = own.secrets.current;
  await validateBackup([readFileSync(path)], { backup, unlock }, (each) => paths.push(each));
  return paths.filter((each) => each.startsWith("/key/") && !each.endsWith(".version")).sort();
}

describe("other passphrases than those at hand", () => {
  const names = () => [...own.secrets.current.administrators.keys()];

  test("a backup from before a rotation needs the secret of before", async () => {
    const rotated = await flowSite();
    onTestFinished(() => rotated[Symbol.asyncDispose]());
    const old = readFileSync(join(rotated.root, "var/lib/signstar/backup/keeper/latest.bkp"));
    const next = makeAdminCredentials(2, names());
    await applySite(rotated.site(), { current: next, previous: rotated.secrets.current }, { rotate: false });
    const sha256 = rotated.stage("backup", old);
    const alone = rotated.site();
    await expect(restoreSite(alone, { current: next, previous: undefined }, { sha256 })).rejects.toMatchObject({
      code: "foreign-backup",
      exit: 77,
      message: "the backup passphrase of iteration 2 does not open the backup",
      hint: expect.stringContaining("shares of that set"),
    });
    expect(alone.made).toEqual([]);

    const both = rotated.site();
    await restoreSite(both, { current: next, previous: rotated.secrets.current }, { sha256 });
    const config = rotated.config().replace("iteration = 1", "iteration = 2");
    expect(await planSite(rotated.site({ config }), { current: next, previous: undefined })).toMatchObject(nothing);
    const admin = next.administrators.get(leadingAdministrator)?.use(fromUtf8) ?? "";
    const users = await rotated.devices[0]?.request("GET", "/users", { user: ["admin", admin] });
    expect(users?.status).toBe(200);
  });

  test.each([
    ["unlock", "the unlock passphrase of iteration 1 does not open the backup"],
    ["administrator", "in the backup admin has no passphrase of iteration 1"],
  ])("a wrong %s passphrase is known before anything is touched", async (which, message) => {
    const other = makeAdminCredentials(1, names());
    const { current } = own.secrets;
    const mixed =
      which === "unlock"
        ? { ...current, unlockPassphrase: other.unlockPassphrase }
        : { ...current, administrators: other.administrators };
    const site = own.site();
    const sha256 = own.stage("backup", backup);
    await expect(restoreSite(site, { current: mixed, previous: undefined }, { sha256 })).rejects.toMatchObject({
      message,
    });
    expect(site.made).toEqual([]);
  });
});

describe("what is not fit to be used", () => {
  const refused = async (sha256: string, code: string, message: string) => {
    const site = own.site();
    await expect(restoreSite(site, own.secrets, { sha256 })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(site.made).toEqual([]);
  };
  /** Something else under the name of a good backup. */
  const planted = (plant: (path: string, original: string) => void): string => {
    const sha256 = own.stage("backup", backup);
    const elsewhere = join(own.root, `elsewhere-${sha256}-${Math.random()}`);
    renameSync(staged(sha256), elsewhere);
    plant(staged(sha256), elsewhere);
    onTestFinished(() => rmSync(staged(sha256), { recursive: true, force: true }));
    return sha256;
  };

  test.each<[string, (path: string, original: string) => void]>([
    ["is a symbolic link", (path, original) => symlinkSync(original, path)],
    ["has 2 names", (path, original) => linkSync(original, path)],
    ["is not a regular file", (path) => void execFileSync("mkfifo", [path])],
    ["is not a regular file", (path) => void mkdirSync(path)],
    ["have another SHA-256", (path) => writeFileSync(path, backup.slice(1), { mode: 0o600 })],
    [
      "has mode 0644, not 0600",
      (path, original) => {
        renameSync(original, path);
        chmodSync(path, 0o644);
      },
    ],
  ])("it %s", async (message, plant) => {
    await refused(planted(plant), "unfit-file", message);
  });

  test.skipIf(process.geteuid?.() !== 0)("it belongs to someone else", async () => {
    const plant = (path: string, original: string) => {
      renameSync(original, path);
      chownSync(path, 65_534, 65_534);
    };
    await refused(planted(plant), "unfit-file", "belongs to uid 65534");
  });

  test("it is longer than is taken", async () => {
    const config = `${own.config()}[appliance]\nupload_limit_backup = "1KiB"\n`;
    const sha256 = own.stage("backup", backup);
    await expect(restoreSite(own.site({ config }), own.secrets, { sha256 })).rejects.toMatchObject({
      code: "unfit-file",
      message: expect.stringContaining("is longer than 1024 bytes"),
    });
  });

  test("it is no whole backup", async () => {
    await refused(own.stage("backup", backup.slice(0, -1)), "unfit-file", "the file ends");
    const more = own.stage("backup", new Uint8Array([...backup, 0]));
    await refused(more, "unfit-file", "data after the end marker");
  });

  test("what is staged beside it does not count", async () => {
    const sha256 = own.stage("backup", backup);
    own.stage("backup", new Uint8Array(3));
    appendFileSync(join(state, "staging/backup/backup-up/.part"), "x");
    await restoreSite(own.site(), own.secrets, { sha256 });
    expect(readdirSync(join(state, "staging/backup/backup-up"))).toHaveLength(4);
  });
});
