import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSystemUserId } from "@signstar/config/system-user";
import { effectiveUid } from "@signstar/host/caller";
import { pathsUnder } from "@signstar/host/paths";
import { type FakeSystemdCreds, fakeSystemdCreds } from "@signstar/host/testing/systemd-creds";
import { parseUserId } from "@signstar/nethsm/ids";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DesiredUser } from "./desired.ts";
import { PassphraseFiles } from "./passphrase-files.ts";
import type { Place } from "./place.ts";

// Root works for another user; without root there is only oneself.
const isRoot = effectiveUid() === 0;
const uid = isRoot ? 65534 : effectiveUid();
const gid = isRoot ? 65534 : (process.getgid?.() ?? uid);
const user: DesiredUser = {
  id: parseUserId("ns1~op1"),
  role: "Operator",
  tags: [],
  systemUser: parseSystemUserId("build"),
};

let base: string;
let home: string;
let place: Place;
let files: PassphraseFiles;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "signstar-passphrases-"));
  chmodSync(base, 0o755);
  home = join(base, "home");
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, uid, gid);
  const owner = { uid, gid };
  place = {
    paths: pathsUnder(base),
    lock: join(base, "lock"),
    owner,
    note: undefined,
    user: () => ({ ...owner, home, login: "build" }),
  };
  files = new PassphraseFiles(place, "plaintext");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const directory = () => join(home, ".local/state/signstar/secrets");
const file = () => join(directory(), "ns1~op1.txt");
const found = async () => {
  const { passphrase, hasOld } = await files.read(user);
  return { passphrase: passphrase?.use(fromUtf8), hasOld };
};
const stage = (text: string, hasOld: boolean) => files.stage(user, Secret.fromText(text), hasOld);

describe("a passphrase", () => {
  test("is there as staged, for its user alone", async () => {
    expect(await found()).toEqual({ passphrase: undefined, hasOld: false });
    await stage("first passphrase", false);
    expect(await found()).toEqual({ passphrase: "first passphrase", hasOld: false });
    expect(readFileSync(file(), "utf8")).toBe("first passphrase");
    expect(lstatSync(file())).toMatchObject({ uid, gid, mode: 0o100600 });
    expect(lstatSync(directory())).toMatchObject({ uid, gid, mode: 0o40700 });
  });

  test("has the one in force beside it until it is settled", async () => {
    await stage("in force", false);
    await stage("never set", false);
    expect(await found()).toEqual({ passphrase: "never set", hasOld: true });
    await stage("set at last", true);
    expect(readFileSync(`${file()}.old`, "utf8")).toBe("in force");
    await files.settle(user);
    expect(await found()).toEqual({ passphrase: "set at last", hasOld: false });
    expect(readdirSync(directory())).toEqual(["ns1~op1.txt"]);
  });
});

describe("what its reader would refuse is none", () => {
  beforeEach(() => stage("a passphrase", false));

  test("others may read it", async () => {
    chmodSync(file(), 0o644);
    expect((await found()).passphrase).toBeUndefined();
  });

  test("a symbolic link", async () => {
    const secret = join(base, "elsewhere");
    writeFileSync(secret, "a passphrase", { mode: 0o600 });
    chownSync(secret, uid, gid);
    rmSync(file());
    symlinkSync(secret, file());
    expect((await found()).passphrase).toBeUndefined();
  });

  test("a second name", async () => {
    linkSync(file(), join(home, "second"));
    expect((await found()).passphrase).toBeUndefined();
  });

  test("a FIFO, which nobody waits for", async () => {
    rmSync(file());
    execFileSync("mkfifo", ["-m", "600", file()]);
    expect((await found()).passphrase).toBeUndefined();
  });

  test("a directory", async () => {
    rmSync(file());
    mkdirSync(file());
    expect((await found()).passphrase).toBeUndefined();
  });

  test("nothing, or more than a passphrase", async () => {
    for (const text of ["", "x".repeat(5000)]) {
      writeFileSync(file(), text);
      expect((await found()).passphrase).toBeUndefined();
    }
  });
});

test("a link planted by the user leads no rights of ours anywhere", async () => {
  const guarded = join(base, "guarded");
  mkdirSync(guarded, { mode: 0o555 });
  mkdirSync(join(home, ".local/state/signstar"), { recursive: true });
  symlinkSync(guarded, directory());
  await expect(stage("a passphrase", false)).rejects.toMatchObject({ code: "write-failed" });
  expect(readdirSync(guarded)).toEqual([]);
});

describe("a passphrase that systemd encrypts", () => {
  let systemd: FakeSystemdCreds;
  beforeEach(() => {
    systemd = fakeSystemdCreds(base);
    files = new PassphraseFiles(place, "systemd-creds");
  });
  afterEach(() => systemd[Symbol.dispose]());
  const encrypted = () => join(directory(), "ns1~op1.creds");

  test("is there as staged, for its user alone, and nowhere in plain text", async () => {
    expect(await found()).toEqual({ passphrase: undefined, hasOld: false });
    await stage("in force", false);
    await stage("never set", false);
    expect(await found()).toEqual({ passphrase: "never set", hasOld: true });
    for (const path of [encrypted(), `${encrypted()}.old`]) {
      expect(lstatSync(path)).toMatchObject({ uid, gid, mode: 0o100600 });
      expect(readFileSync(path, "utf8")).toMatch(/^[A-Za-z0-9+/=\n]+$/);
    }
    await stage("set at last", true);
    expect(readFileSync(`${encrypted()}.old`, "utf8")).toBe(`${Buffer.from("build\nin force").toString("base64")}\n`);
    await files.settle(user);
    expect(await found()).toEqual({ passphrase: "set at last", hasOld: false });
    expect(readdirSync(directory())).toEqual(["ns1~op1.creds"]);
  });

  test("takes the place of a plain one once it is settled", async () => {
    files = new PassphraseFiles(place, "plaintext");
    await stage("plain", false);
    await stage("plain too", false);
    files = new PassphraseFiles(place, "systemd-creds");
    expect(await found()).toEqual({ passphrase: undefined, hasOld: false });
    await stage("encrypted", false);
    expect(readdirSync(directory())).toEqual(["ns1~op1.creds", "ns1~op1.txt", "ns1~op1.txt.old"]);
    await files.settle(user);
    expect(readdirSync(directory())).toEqual(["ns1~op1.creds"]);
  });

  test("is none if it is another user's, damaged, planted or too long", async () => {
    const other = new PassphraseFiles({ ...place, user: () => ({ uid, gid, home, login: "other" }) }, "systemd-creds");
    await other.stage(user, Secret.fromText("a passphrase"), false);
    expect((await found()).passphrase).toBeUndefined();
    for (const content of ["", "plain", "A".repeat(70_000), Buffer.alloc(6000, "x").toString("base64")]) {
      writeFileSync(encrypted(), content);
      expect((await found()).passphrase).toBeUndefined();
    }
    await stage("a passphrase", false);
    const asked = systemd.calls().length;
    chmodSync(encrypted(), 0o644);
    expect((await found()).passphrase).toBeUndefined();
    chmodSync(encrypted(), 0o600);
    linkSync(encrypted(), join(home, "second"));
    expect((await found()).passphrase).toBeUndefined();
    rmSync(encrypted());
    symlinkSync(join(home, "second"), encrypted());
    expect((await found()).passphrase).toBeUndefined();
    rmSync(encrypted());
    execFileSync("mkfifo", ["-m", "600", encrypted()]);
    expect((await found()).passphrase).toBeUndefined();
    expect(systemd.calls()).toHaveLength(asked);
  });

  test("is not written where systemd does not encrypt it, and what was there stays", async () => {
    await stage("in force", false);
    writeFileSync(join(base, "systemd-creds"), "#!/bin/sh\nexit 1\n");
    await expect(stage("new", false)).rejects.toMatchObject({ code: "encryption-failed", exit: 78 });
    systemd[Symbol.dispose]();
    systemd = fakeSystemdCreds(base);
    expect(await found()).toEqual({ passphrase: "in force", hasOld: false });
    expect(readdirSync(directory())).toEqual(["ns1~op1.creds"]);
  });
});
