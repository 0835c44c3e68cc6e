// needs: root findmnt gpg setpriv sqv ssh sshd systemd-tmpfiles unshare useradd
/** The life of an appliance whose admin secret is shared, over the real sshd. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { verifyWith } from "@signstar/openpgp/testing/tools";
import { parseShare } from "@signstar/secret-sharing/share";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ceremony, ceremonyConfig, otherMapping } from "./ceremony-config.ts";
import { Holder } from "./holder.ts";
import { Machine } from "./machine.ts";
import { type SoftDevice, stateOf } from "./soft-device.ts";

let machine: Machine;
let one: SoftDevice;
let alice: Holder;
let bob: Holder;
let carol: Holder;
let dave: Holder;
let ceremony: Ceremony;

beforeAll(async () => {
  machine = await Machine.start();
  one = await machine.startDevice("hsm1");
  alice = new Holder(machine, "alice", { download: "share-ab", upload: "hand-in" });
  bob = new Holder(machine, "bob", { download: "share-ab", upload: "hand-in" });
  carol = new Holder(machine, "carol", { download: "share-c", upload: "hand-in-c" });
  dave = new Holder(machine, "dave", { download: "share-ab", upload: "hand-in" });
  const other = (user: string, mapping: string) => otherMapping(user, mapping, machine.person(user));
  ceremony = {
    devices: [one],
    threshold: 2,
    holders: [alice, bob, carol],
    builders: [builder("build", "releases")],
    others: [
      other("hsm-backup", 'system_nethsm_backup]\nnethsm_user = "backupuser"'),
      other("certificates", "system_only_key_certificates]"),
    ],
  };
  await machine.build(ceremonyConfig(ceremony));
}, 120_000);
afterAll(() => machine?.stop());

function builder(user: string, keyId: string, namespace?: string) {
  const openPgpUserId = `${user} <${user}@example.org>`;
  const publicKey = machine.person(user);
  return { user, publicKey, keyId, keyType: "Ed25519" as const, openPgpUserId, ...(namespace && { namespace }) };
}

/** Every run of the service since the last time; all went well. */
async function served(): Promise<number> {
  const runs = await machine.settle();
  expect(runs.filter(({ status }) => status !== 0)).toEqual([]);
  return runs.length;
}

const states = () => Promise.all(ceremony.devices.map(stateOf));
const certificateOf = (key: string) => machine.ssh("certificates", ["certificates@127.0.0.1", key]).stdout;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const well = { status: 0, stderr: "" };

let files = 0;
/** What comes of a request for a signature. gpg and sqv judge it by the certificate. */
async function sign(user: string, certificate: string): Promise<number | null> {
  const file = machine.path(`file${files++}`);
  writeFileSync(file, `${file}\n`);
  const { status } = machine.sign(user, [`${user}@127.0.0.1`, file]);
  if (status !== 0) return status;
  const signed = { certificate, signature: readFileSync(`${file}.sig`), data: readFileSync(file) };
  for (const verifier of ["gpg", "sqv"] as const) {
    expect(await verifyWith(verifier, signed), verifier).toMatchObject({ accepted: true });
  }
  return status;
}

let certificate: string;

test("after the first boot shares wait for their holders, and no device has changed", async () => {
  expect(await machine.timer()).toMatchObject([{ cause: "timer", status: 0 }]);
  expect(await states()).toEqual(["Unprovisioned"]);
  expect(carol.status().match(/ SHA256:\S+: not confirmed yet$/gm)).toHaveLength(3);
});

test("a holder gets the own share alone, also from an account that is another's as well", async () => {
  const shares = [alice, bob, carol].map((holder) => parseShare(Buffer.from(holder.download().stdout)));
  expect(shares.map(({ index }) => index)).toEqual([1, 2, 3]);
  expect(new Set(shares.map(({ holder }) => holder)).size).toBe(3);
  expect(machine.ssh("alice", ["share-c@127.0.0.1"])).toMatchObject({ status: 255, stdout: "" });
  expect(dave.download()).toMatchObject({ status: 255, stdout: "" });
  const ofBob = sha256(Buffer.from(bob.download().stdout));
  expect(alice.download("confirm", ofBob)).toMatchObject({
    status: 65,
    stdout: "",
    stderr: expect.stringContaining("this is not the SHA-256 of your share"),
  });
  expect(await served()).toBe(0);
});

test("the third confirmation starts the provisioning of the device", async () => {
  expect(alice.fetch()).toMatchObject({ status: 0 });
  expect(carol.fetch()).toMatchObject(well);
  expect(await served()).toBeGreaterThan(0);
  expect(await states()).toEqual(["Unprovisioned"]);
  expect(bob.fetch()).toMatchObject({ status: 0 });
  expect(await served()).toBeGreaterThan(0);
  expect(await states()).toEqual(["Operational"]);
  expect(bob.status()).toContain(`set ${bob.share().set} (iteration 1, 2 of 3 shares): in force`);
  expect(await machine.run("find /run/signstar -name '*.share' -o -name 'admin-secret*'")).toBe("");
});

test("the builder signs", async () => {
  certificate = certificateOf("releases");
  expect(await sign("build", certificate)).toBe(0);
});

test("shares for different purposes start nothing, and are void when one of them is followed", async () => {
  expect(alice.send(["plan"])).toMatchObject({ status: 0 });
  expect(carol.send(["reboot"])).toMatchObject({ status: 0 });
  await served();
  expect(await states()).toEqual(["Operational"]);
  expect(carol.status()).toMatch(/^handed in.*: 1 of 2 of set [0-9a-f]{32} for reboot$/m);
  expect(carol.status()).not.toContain("plan");
  expect(bob.send(["plan"])).toMatchObject({ status: 0 });
  await served();
  expect(carol.status()).toMatch(/^handed in.*: nothing$/m);
  expect(carol.status()).toMatch(/^last: plan at .*: done: .*other intents are void: reboot$/m);
});
