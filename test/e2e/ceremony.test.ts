// needs: root findmnt gpg setpriv sqv ssh sshd systemd-tmpfiles unshare useradd
/** The life of an appliance whose admin secret is shared, over the real sshd, from the first boot to a new device. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { verifyWith } from "@signstar/openpgp/testing/tools";
import { Secret } from "@signstar/primitives/secret";
import { encodeShare, parseShare } from "@signstar/secret-sharing/share";
import { splitSecret } from "@signstar/secret-sharing/split";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { updateFile } from "../configure/flow-site.ts";
import { type Ceremony, ceremonyConfig, otherMapping } from "./ceremony-config.ts";
import { Holder, openedBy } from "./holder.ts";
import { Machine } from "./machine.ts";
import { isDead, type SoftDevice, stateOf } from "./soft-device.ts";

// Scrypt, on each of several devices, for every login and backup.
vi.setConfig({ testTimeout: 240_000 });

let machine: Machine;
let one: SoftDevice;
let two: SoftDevice;
let alice: Holder;
let bob: Holder;
let carol: Holder;
let dave: Holder;
let ceremony: Ceremony;

beforeAll(async () => {
  machine = await Machine.start();
  one = await machine.startDevice("hsm1");
  two = await machine.startDevice("hsm2");
  alice = new Holder(machine, "alice", { download: "share-ab", upload: "hand-in" });
  bob = new Holder(machine, "bob", { download: "share-ab", upload: "hand-in" });
  carol = new Holder(machine, "carol", { download: "share-c", upload: "hand-in-c" });
  dave = new Holder(machine, "dave", { download: "share-ab", upload: "hand-in" });
  const other = (user: string, mapping: string) => otherMapping(user, mapping, machine.person(user));
  ceremony = {
    devices: [one, two],
    threshold: 2,
    holders: [alice, bob, carol],
    builders: [builder("build", "releases"), builder("build-ns", "packages", "ns1")],
    others: [
      other("hsm-backup", 'system_nethsm_backup]\nnethsm_user = "backupuser"'),
      other("certificates", "system_only_key_certificates]"),
      other("backup-up", "system_only_backup_upload]"),
      other("update-up", "system_only_update_upload]"),
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

/** What the service has said in each run since the last time; it always went well. */
async function served(): Promise<readonly string[]> {
  const runs = await machine.settle();
  expect(runs.filter(({ status }) => status !== 0)).toEqual([]);
  return runs.map(({ output }) => output);
}

const states = () => Promise.all(ceremony.devices.map(stateOf));
const certificateOf = (key: string) => machine.ssh("certificates", ["certificates@127.0.0.1", key]).stdout;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const well = { status: 0, stderr: "" };

/** The life of an appliance has no way round what went wrong before. */
let alive = true;
beforeEach(({ onTestFailed, skip }) => {
  skip(!alive, "an earlier step has failed");
  onTestFailed(() => {
    alive = false;
  });
});

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
  await machine.timer();
  expect(await served()).toHaveLength(1);
  expect(await states()).toEqual(["Unprovisioned", "Unprovisioned"]);
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
  expect(await served()).toEqual([]);
});

test("the third confirmation starts the provisioning of both devices", async () => {
  expect(alice.fetch()).toMatchObject(well);
  expect(carol.fetchByHand()).toMatchObject(well);
  expect(await served()).not.toEqual([]);
  expect(await states()).toEqual(["Unprovisioned", "Unprovisioned"]);
  expect(bob.fetch()).toMatchObject(well);
  expect(await served()).not.toEqual([]);
  expect(await states()).toEqual(["Operational", "Operational"]);
  expect(bob.status()).toContain(`set ${bob.share().set} (iteration 1, 2 of 3 shares): in force`);
  expect(await machine.run("find /run/signstar -name '*.share' -o -name 'admin-secret*'")).toBe("");
});

test("the builders sign", async () => {
  certificate = certificateOf("releases");
  expect(await sign("build", certificate)).toBe(0);
  expect(await sign("build-ns", certificateOf("ns1~packages"))).toBe(0);
});

test("each device signs with the same key alone; after its reboot two holders unlock it", async () => {
  await machine.stopDevice(one);
  expect(await sign("build", certificate)).toBe(0);
  await machine.restartDevice(one);
  await machine.stopDevice(two);
  expect(await stateOf(one)).toBe("Locked");
  expect(await sign("build", certificate)).toBe(69);
  await machine.restartDevice(two);
  expect(bob.send(["unlock"])).toMatchObject(well);
  await served();
  expect(await states()).toEqual(["Locked", "Locked"]);
  expect(carol.sendByHand(["unlock"])).toMatchObject(well);
  await served();
  expect(await states()).toEqual(["Operational", "Operational"]);
  await machine.stopDevice(two);
  expect(await sign("build", certificate)).toBe(0);
  await machine.restartDevice(two);
});

test("shares for different purposes start nothing, and are void when one of them is followed", async () => {
  expect(alice.send(["plan"])).toMatchObject(well);
  expect(carol.send(["reboot"])).toMatchObject(well);
  await served();
  expect(await states()).toEqual(["Operational", "Locked"]);
  expect(carol.status()).toMatch(/^handed in.*: 1 of 2 of set [0-9a-f]{32} for reboot$/m);
  expect(carol.status()).not.toContain("plan");
  expect(bob.send(["plan"])).toMatchObject(well);
  await served();
  expect(carol.status()).toMatch(/^handed in.*: nothing$/m);
  expect(carol.status()).toMatch(/^last: plan at .*: done: .*other intents are void: reboot$/m);
  expect(carol.status()).toMatch(/^plan:\n(?:.*\n)*.*~ device unlocked$/m);
});

test("links that an upload user has planted lead nowhere", async () => {
  const target = "/etc/shadow";
  const before = await machine.run(`stat -c '%a %u %s %Y' ${target}`);
  const directory = "/run/signstar/secret-shares/upload/hand-in";
  await machine.run(`as() { setpriv --reuid=hand-in --regid=hand-in --clear-groups -- "$@"; }
as ln -s ${target} ${directory}/${alice.hex}.share
as ln -s ${target} ${directory}/${alice.hex}.intent
as mkdir ${directory}/${bob.hex}.share
as mkfifo -m 600 ${directory}/${bob.hex}.intent`);
  await served();
  expect(await machine.run(`stat -c '%a %u %s %Y' ${target}`)).toBe(before);
  expect(await machine.run(`find ${directory} -type l; rmdir ${directory}/*.share`)).toBe("");
  expect(alice.send(["unlock"])).toMatchObject(well);
  expect(carol.send(["unlock"])).toMatchObject(well);
  await served();
  expect(await states()).toEqual(["Operational", "Operational"]);
});

test("shares of a set that this host did not make open nothing", async () => {
  const holders = [alice, bob, carol];
  const own = holders.map((holder) => holder.share().holder);
  const splitting = { iteration: 1, threshold: 2, holders: own, random: randomBytes };
  const forged = await splitSecret(Secret.fromText("of somebody else"), splitting);
  for (const [i, share] of forged.entries()) {
    expect(holders[i]?.upload(["factory-reset"], encodeShare(share))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('"standing":"unknown"'),
    });
  }
  await served();
  expect(await states()).toEqual(["Operational", "Operational"]);
  // They would wait for a day.
  await machine.run("rm /run/signstar/secret-shares/upload/*/*");
});

let staged: Uint8Array;
let old: Readonly<Record<string, string>>;

test("the backup of the last change is fetched, and opens with the administrators' secret", async () => {
  const { status, bytes, err } = machine.ask("hsm-backup", ["last"]);
  expect([status, err]).toEqual([0, ""]);
  old = { ...(await openedBy(alice, carol)), ...(await machine.passphrases()) };
  const passphrases = { backup: Secret.fromText(old["backup"] ?? ""), unlock: Secret.fromText(old["unlock"] ?? "") };
  expect(await validateBackup([bytes], passphrases)).toMatchObject({ depth: "values" });
  staged = bytes;
  const receipt = machine.ask("backup-up", [], staged);
  expect(JSON.parse(receipt.out)).toMatchObject({ staged: "backup", sha256: sha256(staged) });
});

test("a builder more and a holder exchanged: two of the holders who stay see what it means", async () => {
  ceremony = {
    ...ceremony,
    holders: [alice, carol, dave],
    builders: [...ceremony.builders, builder("build2", "nightly")],
  };
  await machine.build(ceremonyConfig(ceremony));
  expect(bob.upload(["status"])).toMatchObject({ status: 255, stdout: "" });
  expect(alice.send(["plan"])).toMatchObject(well);
  expect(carol.send(["plan"])).toMatchObject(well);
  await served();
  expect(dave.status()).toMatch(/^plan:\n(?:.*\n)*.*\+ user opnightly/m);
  expect(await sign("build2", certificate)).not.toBe(0);
});

test("they agree: the new builder signs, and new shares wait", async () => {
  expect(alice.send([])).toMatchObject(well);
  expect(carol.send(["apply"])).toMatchObject(well);
  await served();
  expect(await sign("build2", certificateOf("nightly"))).toBe(0);
  expect(await sign("build", certificate)).toBe(0);
  expect(dave.status()).toContain(`set ${alice.share().set} (iteration 1, 2 of 3 shares): in force`);
});

test("with the last confirmation the new set is in force, and what was known before opens nothing", async () => {
  for (const holder of [alice, dave, carol]) expect(holder.fetch()).toMatchObject(well);
  await served();
  const { set } = dave.share();
  const status = dave.status();
  expect(status).toContain(`set ${set} (iteration 1, 2 of 3 shares): in force`);
  expect(status).toContain(`set ${bob.share().set} (iteration 1, 2 of 3 shares): void, its shares may be destroyed`);
  const now = { ...(await openedBy(dave, alice)), ...(await machine.passphrases()) };
  for (const device of ceremony.devices) {
    for (const user of ["admin", "ns1~admin", "backupuser", "opreleases", "ns1~oppackages"]) {
      expect([user, await isDead(device, user, now[user] ?? "")]).toEqual([user, false]);
      expect([user, await isDead(device, user, old[user] ?? "")]).toEqual([user, true]);
    }
  }
  expect(alice.sendByHand(["apply"], `${alice.file}.old`)).toMatchObject({
    status: 65,
    stderr: expect.stringContaining(`set ${bob.share().set}, which is void`),
  });
  expect(await sign("build", certificate)).toBe(0);
});

test("a new device gets the backup that the holders name, and signs with the same keys", async () => {
  const { bytes } = machine.ask("hsm-backup", ["last"]);
  expect(machine.ask("backup-up", [], bytes)).toMatchObject({ status: 0, err: "" });
  await machine.stopDevice(one);
  await machine.stopDevice(two);
  ceremony = { ...ceremony, devices: [await machine.startDevice("hsm3")] };
  await machine.build(ceremonyConfig(ceremony));
  expect(dave.send(["restore", sha256(bytes)])).toMatchObject(well);
  await served();
  expect(await states()).toEqual(["Unprovisioned"]);
  expect(carol.send(["restore", sha256(bytes)])).toMatchObject(well);
  await served();
  expect(await states()).toEqual(["Operational"]);
  expect(await sign("build", certificate)).toBe(0);
  expect(await sign("build-ns", certificateOf("ns1~packages"))).toBe(0);
  expect(await sign("build2", certificateOf("nightly"))).toBe(0);
});

test("after a reboot of the appliance it is known which shares count, and nothing is to be done", async () => {
  await machine.reboot();
  expect(await served()).toEqual([""]);
  expect(carol.status()).toContain(`set ${dave.share().set} (iteration 1, 2 of 3 shares): in force`);
  expect(alice.send(["plan"], `${alice.file}.old`)).toMatchObject({ status: 65 });
  expect(alice.send(["plan"])).toMatchObject(well);
  expect(carol.send(["plan"])).toMatchObject(well);
  await served();
  expect(dave.status()).toMatch(/^plan:\n.*\n {2}nothing to do$/m);
});

test("an update is installed when holders name it, and the device signs again", async () => {
  const update = updateFile("5.1");
  expect(machine.ask("update-up", [], update)).toMatchObject({ status: 0, err: "" });
  for (const holder of [alice, carol]) expect(holder.send(["update", sha256(update)])).toMatchObject(well);
  await served();
  expect(carol.status()).toMatch(/^last: update [0-9a-f]{64} at .*: done: .*\b5\.1\b/m);
  expect(await sign("build", certificate)).toBe(0);
});

test("the staged backup that nobody has named was not used, the other is gone", async () => {
  const directory = "/var/lib/signstar/staging/backup/backup-up";
  expect(await machine.run(`cd ${directory} && sha256sum * | cut -d' ' -f1`)).toBe(`${sha256(staged)}\n`);
});

test("no secret lies about, and none is in what was recorded", async () => {
  const leftover = "-name '*.share' -o -name '*.intent' -o -name 'admin-secret*' -o -name '*.old'";
  expect(await machine.run(`find /run/signstar /var/lib/signstar ${leftover}`)).toBe("");
  const recorded = machine.recorded();
  expect(recorded).toContain("handed-in");
  const secrets = [
    ...Object.values({ ...(await openedBy(dave, alice)), ...(await machine.passphrases()) }),
    ...Object.values(old),
    ...[alice, bob, carol, dave].map(({ file }) => /"share": *"([^"]{16})/.exec(readFileSync(file, "utf8"))?.[1] ?? ""),
  ];
  expect(secrets.length).toBeGreaterThan(12);
  expect(secrets.filter((secret) => secret === "" || recorded.includes(secret))).toEqual([]);
});
