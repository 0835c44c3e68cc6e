/** Unlocking, restarting, switching off, erasing and updating of all devices. */
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { applySite } from "@signstar/configure/apply-site";
import type { Device } from "@signstar/configure/device";

import { factoryResetSite, rebootSite, shutdownSite, unlockSite } from "@signstar/configure/flows/power";
import { updateSite } from "@signstar/configure/flows/update";
import { planSite } from "@signstar/configure/plan-site";
import { NetHsm } from "@signstar/nethsm/client";
import { NetHsmError } from "@signstar/nethsm/errors";
import { type Connection, parseDeviceUrl } from "@signstar/nethsm/tls";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type FlowSite, flowSite, updateFile } from "./flow-site.ts";
import { breakingOff, losingAnswers } from "./on-site.ts";
import { intercepted } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

let own: FlowSite;
beforeAll(async () => {
  own = await flowSite({ count: 2 });
});
afterAll(() => own[Symbol.asyncDispose]());

beforeEach(() => unlockSite(own.site(), own.secrets));

test("those that are locked are unlocked", async () => {
  await own.asAdmin(1, "POST", "/lock");
  const site = own.site();
  await unlockSite(site, own.secrets);
  expect(site.made).toEqual(["~ device unlocked"]);
  expect(await own.states()).toEqual(["Operational", "Operational"]);
});

test("one at which somebody has just failed is unlocked a little later", async () => {
  await own.asAdmin(1, "POST", "/lock");
  const [, device] = own.devices;
  const answer = await device?.request("POST", "/unlock", { json: { passphrase: "somebody's passphrase" } });
  expect(answer?.status).toBe(403);
  await unlockSite(own.site(), own.secrets);
  expect(await own.states()).toEqual(["Operational", "Operational"]);
});

test("one that is out of reach does not keep the others from it", async () => {
  await own.asAdmin(0, "POST", "/lock");
  await own.asAdmin(1, "POST", "/lock");
  const [first = ""] = own.devices.map(({ url }) => url);
  const config = own.config().replace(first, "https://127.0.0.1:1/api/v1");
  await expect(unlockSite(own.site({ config }), own.secrets)).rejects.toMatchObject({
    code: "out-of-reach",
    message: expect.stringContaining("not every device is done: https://127.0.0.1:1/api/v1: "),
  });
  expect(await own.states()).toEqual(["Locked", "Operational"]);
});

test("each restarts and is unlocked before the next does, also if it goes down over its answer", async () => {
  const site = own.site({ connect: losingAnswers("system.reboot") });
  await rebootSite(site, own.secrets);
  expect(site.made).toEqual(["~ device restarts", "~ device unlocked", "~ device restarts", "~ device unlocked"]);
  expect(await own.states()).toEqual(["Operational", "Operational"]);
});

test("one that does not come back keeps the next from restarting", async () => {
  let isGone = false;
  const connect = (to: ConstructorParameters<typeof NetHsm>[0]) =>
    intercepted(new NetHsm(to), async (name, call) => {
      if (name === "system.reboot") isGone = true;
      // As if it went on without noticing.
      return isGone && name === "health.state" ? "Operational" : call();
    });
  const site = own.site({ connect });
  await expect(rebootSite(site, own.secrets)).rejects.toMatchObject({
    code: "out-of-reach",
    message: expect.stringContaining("is still Operational after 15 minutes"),
  });
  expect(site.made).toEqual(["~ device restarts"]);
  expect(await own.states()).toEqual(["Locked", "Operational"]);
});

describe("update", () => {
  const versions = async () => {
    const answers = await Promise.all([0, 1].map((device) => own.asAdmin(device, "GET", "/system/info")));
    return answers.map((answer) => /"softwareVersion":"([^"]*)"/.exec(answer.text)?.[1]);
  };
  const staged = (sha256: string) =>
    existsSync(join(own.root, `var/lib/signstar/staging/update/update-up/${sha256}.update`));

  test("one device after the other, with the release notes, and then the file is gone", async () => {
    const sha256 = own.stage("update", updateFile("5.1"));
    const site = own.site();
    const installed = await updateSite(site, own.secrets, { sha256 });
    expect(installed).toEqual({ version: "5.1", releaseNotes: "what is new in 5.1" });
    const each = [
      '~ update from 5.0 to 5.1 installed, device restarts: "what is new in 5.1"',
      "~ device unlocked",
      "~ device runs 5.1",
    ];
    expect(site.made).toEqual([...each, ...each]);
    expect(await versions()).toEqual(["5.1", "5.1"]);
    expect(staged(sha256)).toBe(false);
    expect(existsSync(join(own.root, "var/lib/signstar/staging/in-use"))).toBe(true);
  });

  test("a device that refuses it leaves the next alone", async () => {
    const sha256 = own.stage("update", updateFile("4.9"));
    await expect(updateSite(own.site(), own.secrets, { sha256 })).rejects.toMatchObject({ code: "conflict" });
    expect(await own.states()).toEqual(["Operational", "Operational"]);
    expect(staged(sha256)).toBe(true);
  });

  test("a device that has not become what the file says leaves the next alone", async () => {
    const sha256 = own.stage("update", updateFile("5.2"));
    const connect = (to: ConstructorParameters<typeof NetHsm>[0]) =>
      intercepted(new NetHsm(to), async (name, call) => {
        const answer = await call();
        return name === "system.info" ? { ...Object(answer), softwareVersion: "5.1" } : answer;
      });
    const site = own.site({ connect });
    await expect(updateSite(site, own.secrets, { sha256 })).rejects.toMatchObject({
      code: "not-updated",
      message: expect.stringContaining("runs 5.1 after the update to 5.2"),
    });
    expect(await versions()).toEqual(["5.2", "5.1"]);
    expect(staged(sha256)).toBe(true);
  });

  test("broken off at any call, it goes on where it stopped", { timeout: 120_000 }, async () => {
    const { connect, names } = breakingOff({ call: Number.POSITIVE_INFINITY, loses: "answer" });
    await updateSite(own.site({ connect }), own.secrets, { sha256: own.stage("update", updateFile("5.3")) });
    expect(names.length).toBeGreaterThan(20);
    const first = names.indexOf("system.update") + 1;
    // The second device is like the first.
    const last = first + Math.ceil((names.length - first) / 2);
    let version = 3;
    for (let call = first; call <= last; call += 1) {
      version += 1;
      const sha256 = own.stage("update", updateFile(`5.${version}`));
      const broken = own.site({ connect: breakingOff({ call, loses: "answer" }).connect });
      await expect(updateSite(broken, own.secrets, { sha256 }), `call ${call}`).rejects.toThrow();
      await updateSite(own.site(), own.secrets, { sha256 });
      expect(await versions()).toEqual([`5.${version}`, `5.${version}`]);
      expect(staged(sha256)).toBe(false);
    }
  });

  test.each([
    ["nobody has uploaded it", () => "0".repeat(64), "no-staged-file", 66],
    ["it is no digest", () => "../../etc/passwd", "no-staged-file", 66],
    ["it is no update", () => own.stage("update", new Uint8Array(100)), "unfit-file", 65],
  ])("nothing is touched if %s", async (_, stage, code, exit) => {
    const site = own.site();
    await expect(updateSite(site, own.secrets, { sha256: stage() })).rejects.toMatchObject({ code, exit });
    expect(site.made).toEqual([]);
  });
});

/** That request never arrives. */
const losing =
  (lost: string) =>
  (to: Connection): Device =>
    intercepted<Device>(new NetHsm(to), (name, call) =>
      name === lost ? Promise.reject(new NetHsmError("connection-lost", "nobody knows")) : call(),
    );

test("one that has not heard that it is to shut down is not said to be off", async () => {
  const site = own.site({ connect: losing("system.shutdown") });
  await expect(shutdownSite(site, own.secrets)).rejects.toMatchObject({
    message: expect.stringContaining("was told to shut down and is still Operational"),
  });
  expect(site.made).toEqual([]);
});

test("one that boots unattended and has not heard that it is to restart is not said to have restarted", async () => {
  const config = own.config(own.devices.slice(0, 1), '[device]\nboot_mode = "unattended"\n');
  await applySite(own.site({ config }), own.secrets, { rotate: false });
  await expect(rebootSite(own.site({ config, connect: losing("system.reboot") }), own.secrets)).rejects.toMatchObject({
    message: expect.stringContaining("is still Operational after 15 minutes"),
  });
  const attended = config.replace('"unattended"', '"attended"');
  await applySite(own.site({ config: attended }), own.secrets, { rotate: false });
});

describe("erasing a device whose answer is lost", () => {
  test("is not done if the device is as before", async () => {
    const site = own.site({ connect: losing("system.factoryReset") });
    await expect(factoryResetSite(site, own.secrets)).rejects.toMatchObject({
      message: expect.stringContaining("was not erased: it is Operational"),
    });
    expect(site.made).toEqual([]);
  });

  test("is not known to be done if it cannot be told from another", async () => {
    const other = await own.start();
    onTestFinished(() => other.close());
    // From then on somebody else answers.
    let isGone = false;
    const site = own.site({
      config: own.config(own.devices.slice(0, 1)),
      connect(to) {
        if (isGone) return new NetHsm({ ...to, url: parseDeviceUrl(other.url) });
        return intercepted<Device>(losing("system.factoryReset")(to), (name, call) => {
          isGone ||= name === "system.factoryReset";
          return call();
        });
      },
    });
    await expect(factoryResetSite(site, own.secrets)).rejects.toMatchObject({
      code: "out-of-reach",
      message: expect.stringContaining("was erased is unknown"),
    });
    expect(site.made).toEqual([]);
  });
});

test("all are switched off, and all are erased, with the trust in their certificates", async () => {
  await own.asAdmin(1, "POST", "/lock");
  const off = own.site();
  await shutdownSite(off, own.secrets);
  expect(off.made).toEqual(["~ device shuts down", "~ device shuts down"]);
  const erasing = own.site();
  await factoryResetSite(erasing, own.secrets);
  expect(erasing.made).toEqual(["- all that was on the device", "~ device unlocked", "- all that was on the device"]);
  expect(await own.states()).toEqual(["Unprovisioned", "Unprovisioned"]);

  // They are strangers now, with certificates of their own: trusted at first use, again and again.
  const [device] = own.devices;
  if (device === undefined) throw new Error("no device");
  const config = own
    .config([device])
    .replace(/tls_security = .*/, 'tls_security = { Fingerprints = { sha256 = [] } }\nbootstrap_tls = "first-use"');
  const pins = (): unknown => JSON.parse(readFileSync(join(own.root, "var/lib/signstar/tls-pins.json"), "utf8"));
  await rm(join(own.root, "var/lib/signstar/certificates"), { recursive: true });
  await applySite(own.site({ config }), own.secrets, { rotate: false });
  expect(pins()).toMatchObject({ devices: { [device.url]: [expect.any(String)] } });
  await factoryResetSite(own.site({ config }), own.secrets);
  expect(pins()).toMatchObject({ devices: { [device.url]: [] } });
  await rm(join(own.root, "var/lib/signstar/certificates"), { recursive: true });
  await applySite(own.site({ config }), own.secrets, { rotate: false });
  expect(await planSite(own.site({ config }), own.secrets)).toMatchObject([{ plan: { changes: [], conflicts: [] } }]);
});
