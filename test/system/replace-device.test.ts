/** The ceremony "replace a device" of docs/operating.md, command by command, on two software devices. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build.ts";
import { repository } from "../../scripts/bundle.ts";
import { applianceConfig } from "../../scripts/stage/appliance-config.ts";
import { makeKey } from "../../scripts/stage/stage.ts";

interface SoftDevice {
  readonly url: string;
  readonly pin: string;
}

const devices: ChildProcess[] = [];
let directory: string;

beforeAll(async () => {
  await buildIfStale();
  directory = mkdtempSync(join(tmpdir(), "signstar-replace-"));
  mkdirSync(join(directory, "root/etc/signstar"), { recursive: true });
}, 120_000);

afterAll(() => {
  for (const device of devices) device.kill();
  rmSync(directory, { recursive: true, force: true });
});

async function startDevice(): Promise<SoftDevice> {
  const child = spawn(join(repository, "bin/soft-nethsm"), ["--memory", "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  devices.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, tlsFingerprint } = JSON.parse(line) as { url: string; tlsFingerprint: string };
    return { url, pin: tlsFingerprint.replace("sha256:", "") };
  }
  throw new Error("soft-nethsm did not start");
}

function run(program: string, ...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NETHSM_CONFIG: join(directory, "nethsm.toml") };
  const { status, stdout, stderr } = spawnSync(join(repository, "bin", program), args, { encoding: "utf8", env });
  return { status, stdout, stderr };
}

function configure(word: "plan" | "apply") {
  return run("signstar-configure", word, "--root", join(directory, "root"));
}

function writeConfig({ url, pin }: SoftDevice): void {
  const { publicKey } = makeKey(join(directory, "client-key"), "client");
  const backup = '[[users]]\n[users.system_nethsm_backup]\nsystem_user = "hsm-backup"\nnethsm_user = "backup"\n';
  const config = applianceConfig(
    [{ user: "build", publicKey, keyId: "key1", keyType: "Ed25519", openPgpUserId: "Build <build@example.org>" }],
    `${backup}ssh_authorized_key = "${makeKey(join(directory, "backup-key"), "backup").publicKey}"\n`,
  );
  writeFileSync(
    join(directory, "root/etc/signstar/config.toml"),
    config.replaceAll("@URL@", url).replaceAll("@PIN@", pin),
  );
}

test("a backup makes an empty device the same, and nothing is left to configure", async () => {
  const first = await startDevice();
  writeConfig(first);
  expect(configure("apply")).toMatchObject({ status: 0 });
  const certificate = join(directory, "root/var/lib/signstar/certificates/key1.pgp");
  const before = readFileSync(certificate);

  const state = join(directory, "root/var/lib/signstar");
  const passphrase = join(state, "home/hsm-backup/.local/state/signstar/secrets/backup.txt");
  const credentials = readFileSync(join(state, "creds/admin-credentials.toml"), "utf8");
  for (const name of ["backup", "unlock"]) {
    const value = new RegExp(`^${name}_passphrase = "(.*)"$`, "m").exec(credentials)?.[1] ?? "";
    writeFileSync(join(directory, name), value, { mode: 0o600 });
  }
  const file = join(directory, "hsm.bkp");
  const pinned = ({ pin }: SoftDevice) => `sha256:${pin}`;
  expect(run("nethsm", "env", "add", "device", "-l", "old", first.url, pinned(first)).status).toBe(0);
  expect(run("nethsm", "env", "add", "credentials", "-l", "old", "backup", "Backup").status).toBe(0);
  expect(run("nethsm", "system", "backup", "-l", "old", "-a", passphrase, "-u", "backup", "-o", file)).toMatchObject({
    status: 0,
  });
  const validate = [
    "system",
    "validate-backup",
    "-b",
    join(directory, "backup"),
    "-U",
    join(directory, "unlock"),
    file,
  ];
  expect(run("nethsm", ...validate)).toMatchObject({ status: 0 });

  devices[0]?.kill();
  const second = await startDevice();
  expect(run("nethsm", "env", "add", "device", "-l", "new", second.url, pinned(second)).status).toBe(0);
  expect(run("nethsm", "system", "restore", "-l", "new", "-b", join(directory, "backup"), file)).toMatchObject({
    status: 0,
  });
  // The certificate, and on real devices the address, came with the backup.
  writeConfig({ url: second.url, pin: first.pin });
  const plan = configure("plan");
  expect(plan).toMatchObject({ status: 2, stdout: expect.stringContaining("(Locked)\n  ~ device unlocked\n") });
  expect(configure("apply")).toMatchObject({ status: 0 });
  expect(configure("plan")).toMatchObject({ status: 0, stdout: expect.stringContaining("nothing to do") });
  expect(readFileSync(certificate)).toEqual(before);
}, 60_000);
