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
import { parseUserId } from "@signstar/nethsm/ids";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DesiredUser } from "./desired.ts";
import { PassphraseFiles } from "./passphrase-files.ts";

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
let files: PassphraseFiles;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "signstar-passphrases-"));
  chmodSync(base, 0o755);
  home = join(base, "home");
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, uid, gid);
  const owner = { uid, gid };
  files = new PassphraseFiles({
    paths: pathsUnder(base),
    lock: join(base, "lock"),
    owner,
    note: undefined,
    user: () => ({ ...owner, home }),
  });
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
