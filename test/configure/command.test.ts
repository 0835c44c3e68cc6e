// needs: systemd-creds
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Io } from "@signstar/command/io";
import { runWith } from "@signstar/command/run";
import { configure } from "@signstar/configure/configure";
import { ownHostKey } from "@signstar/host/testing/host-key";
import { fakeSystemdCreds } from "@signstar/host/testing/systemd-creds";
import { Failure } from "@signstar/primitives/failure";
import { startSoftNethsm } from "@signstar/soft-nethsm/testing";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { administrator, connectionText, type Stage, setUp, signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const users = administrator("admin") + signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" });

let stage: Stage;
beforeEach(async () => {
  stage = await setUp();
});
afterEach(() => stage.close());

interface Outcome {
  readonly exit: number;
  readonly output: string;
  readonly notes: readonly string[];
  readonly failure?: Failure;
}

async function run(config: string, ...words: string[]): Promise<Outcome> {
  const file = join(stage.root, "config.toml");
  writeFileSync(file, config);
  const [notes, written]: [string[], string[]] = [[], []];
  const io: Io = {
    stdin: new PassThrough(),
    stderrIsTerminal: false,
    stdoutIsTerminal: false,
    readStdin: async () => new Uint8Array(),
    write: (text) => void written.push(String(text)),
    stream: async (text) => void written.push(String(text)),
    note: (line) => void notes.push(line),
    status: () => undefined,
  };
  const all = [...words, "--root", stage.root, "--config", file];
  try {
    return { exit: await runWith(configure, all, io), output: written.join(""), notes };
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return { exit: thrown.exit, output: written.join(""), notes, failure: thrown };
  }
}

test.each([[], ["run"]])("without shares %j says so, and changes nothing", async (...words) => {
  const { exit, output, notes } = await run(stage.head + users, ...words);
  expect([exit, [output, ...notes].join()]).toEqual([0, expect.stringContaining("not shared")]);
  expect((await run(stage.head + users, "plan")).exit).toBe(2);
});

test("plan ends 2 as long as something differs, apply tells each change", async () => {
  const config = stage.head + users;
  const before = await run(config, "plan");
  expect(before.exit).toBe(2);
  expect(before.output).toBe(`${stage.hsm.url} (Unprovisioned)
  + admin credentials on this host for admin
  + device provisioned, with the passphrases of the admin credentials
  + key key1 (Curve25519, for op1)
  + user op1 (Operator, for build)
  ~ user op1: + tag tag1
  + OpenPGP certificate of key key1 for "build <build@example.org>"
  + backup kept on this host
`);
  const applied = await run(config, "apply");
  expect(applied).toMatchObject({ exit: 0, output: "" });
  const changes = before.output.split("\n").slice(1, -1);
  expect(applied.notes).toEqual([
    expect.stringContaining("belongs to the caller"),
    ...changes.map((line) => line.slice(2)),
  ]);
  expect(await run(config, "plan")).toMatchObject({
    exit: 0,
    output: `${stage.hsm.url} (Operational)\n  nothing to do\n`,
  });
  expect((await run(config, "apply")).notes).toContain("nothing to do");
});

test("several devices are told apart; --rotate gives users fresh passphrases", { timeout: 120_000 }, async () => {
  const follower = await startSoftNethsm();
  onTestFinished(() => follower.close());
  const firstUse = 'tls_security = { Fingerprints = {} }\nbootstrap_tls = "first-use"';
  const config = stage.head + connectionText(follower, firstUse) + users;
  expect((await run(config, "apply")).notes.slice(-4)).toEqual([
    "+ backup kept on this host",
    `+ TLS certificate ${follower.tlsFingerprint} is trusted: the device is unprovisioned and showed it first`,
    "+ device provisioned, with the passphrases of the admin credentials",
    "~ restored from a backup of the first device: it is new; the first device has changed",
  ]);
  const done = (url: string) => `${url} (Operational)\n  nothing to do\n`;
  expect((await run(config, "plan")).output).toBe(`${done(stage.hsm.url)}\n${done(follower.url)}`);
  expect((await run(config, "apply", "--rotate")).notes.slice(1)).toEqual([
    "~ user op1: fresh passphrase, for build",
    "+ backup kept on this host",
    "~ restored from a backup of the first device: the first device has changed",
  ]);
});

const encryptedUsers = (text: string) =>
  text.replace('non_admin_secret_handling = "plaintext"', 'non_admin_secret_handling = "systemd-creds"');

test("secrets encrypted by systemd are what plaintext ones are, for those whom systemd lets", async () => {
  using systemd = fakeSystemdCreds(stage.root);
  using _key = ownHostKey();
  const half = `${stage.head}${users}`.replace(
    /^admin_secret_handling = "plaintext"/m,
    'admin_secret_handling = "systemd-creds"',
  );
  const config = encryptedUsers(half);
  const creds = join(stage.root, "var/lib/signstar/creds");
  const secrets = join(stage.root, "var/lib/signstar/home/build/.local/state/signstar/secrets");
  await run(half, "apply");
  expect([readdirSync(creds), readdirSync(secrets)]).toEqual([["admin-credentials.creds"], ["op1.txt"]]);
  expect(statSync(join(creds, "admin-credentials.creds")).mode & 0o7777).toBe(0o600);
  // Passphrases of another kind are made anew, and the old ones go.
  await run(config, "apply");
  expect(readdirSync(secrets)).toEqual(["op1.creds"]);
  expect(statSync(join(secrets, "op1.creds")).mode & 0o7777).toBe(0o600);
  expect(await run(config, "plan")).toMatchObject({ exit: 0 });
  expect(new Set(systemd.calls())).toEqual(
    new Set([
      "--version",
      ...["encrypt", "decrypt"].flatMap((verb) => [
        `--name= ${verb} - -`,
        `--user --name= --uid ${process.geteuid?.()} ${verb} - -`,
      ]),
    ]),
  );

  using _other = ownHostKey();
  expect(await run(config, "plan")).toMatchObject({ exit: 78, failure: { code: "bad-credentials" } });
}, 60_000);

describe("refused before anything is done", () => {
  test.each([
    [
      "secret sharing",
      (text: string) =>
        text.replace(
          'admin_secret_handling = "plaintext"\nnon',
          'admin_secret_handling = "shamirs-secret-sharing"\nnon',
        ) + shares,
      /shared among its holders/,
    ],
    ["encrypted passphrases, by a systemd that is too old", encryptedUsers, /systemd 255 does not encrypt for users/],
  ])("%s", async (_, change, message) => {
    using _systemd = fakeSystemdCreds(stage.root, 255);
    const { exit, failure } = await run(change(stage.head + users), "apply");
    expect(exit).toBe(78);
    expect(failure?.message).toMatch(message);
    expect(failure?.hint).toBeDefined();
    expect((await stage.hsm.request("GET", "/health/state")).json()).toEqual({ state: "Unprovisioned" });
  });
});

const shares = ["share-down", "share-up"]
  .map((user, i) => {
    const kind = ["system_only_share_download", "system_only_share_upload"][i];
    const key = /ssh_authorized_key = "([^"]+)"/.exec(signing({ user, operator: "x", key: "x", tag: "x" }))?.[1];
    return `\n[[users]]\n[users.${kind}]\nsystem_user = "${user}"\nssh_authorized_keys = ["${key}"]\n`;
  })
  .join("");

test("credentials of another device are refused", async () => {
  await run(stage.head + users, "apply");
  const path = join(stage.root, "var/lib/signstar/creds/admin-credentials.toml");
  const text = readFileSync(path, "utf8").replace(
    /name = "admin"\npassphrase = ".*"/,
    'name = "admin"\npassphrase = "another one"',
  );
  writeFileSync(path, text);
  expect(await run(stage.head + users, "plan")).toMatchObject({ exit: 77, failure: { code: "credentials-refused" } });
});

describe("a device whose certificate nobody has pinned", () => {
  const firstUse = (head: string) =>
    head.replace(/tls_security = .*/, 'tls_security = { Fingerprints = {} }\nbootstrap_tls = "first-use"');

  test("is refused without leave to trust it", async () => {
    const head = stage.head.replace(/tls_security = .*/, "tls_security = { Fingerprints = {} }");
    expect(await run(head + users, "plan")).toMatchObject({ exit: 78, failure: { code: "no-pin" } });
  });

  test("is trusted at first use while it is unprovisioned, and its pin is kept", async () => {
    const config = firstUse(stage.head) + users;
    const planned = await run(config, "plan");
    expect(planned.output).toContain(`+ TLS certificate ${stage.hsm.tlsFingerprint} is trusted`);
    expect((await run(config, "apply")).exit).toBe(0);
    const pins: unknown = JSON.parse(readFileSync(join(stage.root, "var/lib/signstar/tls-pins.json"), "utf8"));
    expect(pins).toEqual({
      version: 1,
      devices: { [stage.hsm.url]: [stage.hsm.tlsFingerprint.slice("sha256:".length)] },
    });
    expect((await run(config, "plan")).exit).toBe(0);
  });

  test("that closes every connection is unreachable", async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const config = firstUse(stage.head).replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`) + users;
    expect(await run(config, "plan")).toMatchObject({ exit: 69, failure: { code: "unreachable" } });
  });

  test("is not trusted at first use once it is provisioned", async () => {
    await run(stage.head + users, "apply");
    const outcome = await run(firstUse(stage.head) + users, "plan");
    expect(outcome).toMatchObject({ exit: 78, failure: { code: "no-pin" } });
    expect(outcome.failure?.message).toContain(stage.hsm.tlsFingerprint);
  });
});
