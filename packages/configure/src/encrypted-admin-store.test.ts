// needs: systemd-creds
import { execFileSync } from "node:child_process";
import {
  chmodSync,
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
import { ownHostKey } from "@signstar/host/testing/host-key";
import { parseUserId } from "@signstar/nethsm/ids";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AdminCredentials, makeAdminCredentials } from "./admin-credentials.ts";
import { EncryptedAdminStore } from "./encrypted-admin-store.ts";
import type { ConfigureError } from "./errors.ts";
import { placeAt } from "./place.ts";
import { PlainAdminStore } from "./plain-admin-store.ts";

let root: string;
let key: ReturnType<typeof ownHostKey>;
let store: EncryptedAdminStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "signstar-admin-"));
  key = ownHostKey();
  store = new EncryptedAdminStore(placeAt(root));
});
afterEach(() => {
  key[Symbol.dispose]();
  rmSync(root, { recursive: true, force: true });
});

const directory = () => join(root, "var/lib/signstar/creds");
const file = () => join(directory(), "admin-credentials.creds");
const make = (iteration: number): AdminCredentials => makeAdminCredentials(iteration, [parseUserId("admin")]);

async function iterations(): Promise<readonly (number | undefined)[]> {
  const secrets = await store.read();
  return [secrets?.current.iteration, secrets?.previous?.iteration];
}

describe("encrypted admin credentials", () => {
  test("are read as they were written, and decrypted by hand", async () => {
    expect(await iterations()).toEqual([undefined, undefined]);
    const written = make(1);
    await store.write(written, { keepPrevious: false });
    const read = (await store.read())?.current;
    expect(read?.administrators.get(parseUserId("admin"))?.equals(written.unlockPassphrase)).toBe(false);
    expect(read?.unlockPassphrase.equals(written.unlockPassphrase)).toBe(true);
    expect(lstatSync(directory()).mode & 0o7777).toBe(0o700);
    expect(lstatSync(file()).mode & 0o7777).toBe(0o600);
    expect(readFileSync(file(), "utf8")).toMatch(/^[A-Za-z0-9+/=\n]+$/);
    // As the first Signstar does it; no name is bound to the content, so the copy of a file will do.
    writeFileSync(join(root, "copy"), readFileSync(file()));
    for (const path of [file(), join(root, "copy")]) {
      const toml = execFileSync("systemd-creds", ["decrypt", path, "-"], { encoding: "utf8", stdio: "pipe" });
      expect(toml).toMatch(/^iteration = 1\nbackup_passphrase = "/);
    }
  });

  test("written by hand are read", async () => {
    await store.write(make(7), { keepPrevious: false });
    const toml = execFileSync("systemd-creds", ["decrypt", file(), "-"], { stdio: "pipe" });
    const blob = execFileSync("systemd-creds", ["encrypt", "-", "-"], { input: toml, stdio: "pipe" });
    writeFileSync(file(), blob);
    expect(await iterations()).toEqual([7, undefined]);
  });

  test("that are still plain are not taken for none; the hint encrypts them", async () => {
    const plain = new PlainAdminStore(placeAt(root));
    await plain.write(make(3), { keepPrevious: false });
    const problem: unknown = await store.read().catch((thrown: unknown) => thrown);
    expect(problem).toMatchObject({ code: "bad-credentials", exit: 78 });
    const [command = ""] = /^\(.*\)/.exec((problem as ConfigureError).hint ?? "") ?? [];
    execFileSync("/bin/sh", ["-c", command], { stdio: "pipe" });
    expect(await iterations()).toEqual([3, undefined]);
  });

  test("keep those before beside them until a rotation is settled", async () => {
    await store.write(make(1), { keepPrevious: true });
    expect(await iterations()).toEqual([1, undefined]);
    await store.write(make(2), { keepPrevious: true });
    expect(await iterations()).toEqual([2, 1]);
    expect(readdirSync(directory())).toEqual(["admin-credentials.creds", "admin-credentials.creds.old"]);
    expect(lstatSync(`${file()}.old`).mode & 0o7777).toBe(0o600);
    await store.settle();
    expect(await iterations()).toEqual([2, undefined]);
    expect(readdirSync(directory())).toEqual(["admin-credentials.creds"]);
  });

  test("between the two files of a rotation it has not begun", async () => {
    await store.write(make(1), { keepPrevious: false });
    writeFileSync(`${file()}.old`, readFileSync(file()), { mode: 0o600 });
    expect(await iterations()).toEqual([1, undefined]);
  });

  test("that cannot be encrypted leave those that are there", async () => {
    await store.write(make(1), { keepPrevious: false });
    const before = readFileSync(file());
    rmSync(key.path, { force: true });
    mkdirSync(key.path);
    await expect(store.write(make(2), { keepPrevious: false })).rejects.toMatchObject({
      code: "encryption-failed",
      exit: 78,
    });
    expect(readFileSync(file())).toEqual(before);
    expect(readdirSync(directory())).toEqual(["admin-credentials.creds"]);
  });

  test("of another machine, damaged, plain or somebody's own plant are refused, never taken for none", async () => {
    await store.write(make(1), { keepPrevious: false });
    const good = readFileSync(file());
    const refused = expect.objectContaining({ code: "bad-credentials", exit: 78, hint: expect.any(String) });
    for (const content of ["", "iteration = 1", good.subarray(0, -9)]) {
      writeFileSync(file(), content);
      await expect(store.read()).rejects.toThrow(refused);
    }
    writeFileSync(file(), good);
    chmodSync(file(), 0o640);
    await expect(store.read()).rejects.toThrow(refused);
    chmodSync(file(), 0o600);
    linkSync(file(), join(root, "second"));
    await expect(store.read()).rejects.toThrow(refused);
    for (const plant of [
      () => symlinkSync(join(root, "second"), file()),
      () => execFileSync("mkfifo", ["-m", "600", file()]),
      () => mkdirSync(file()),
    ]) {
      rmSync(file());
      plant();
      await expect(store.read()).rejects.toThrow(refused);
    }
    rmSync(file(), { recursive: true });
    writeFileSync(file(), good, { mode: 0o600 });
    expect(await iterations()).toEqual([1, undefined]);
    using _other = ownHostKey();
    await expect(store.read()).rejects.toThrow(refused);
  });
});
