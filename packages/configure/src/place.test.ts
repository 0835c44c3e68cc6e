import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseSystemUserId } from "@signstar/config/system-user";
import { effectiveUid } from "@signstar/host/caller";
import { parseKeyId, parseNamespaceId, parseUserId } from "@signstar/nethsm/ids";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeAdminCredentials } from "./admin-credentials.ts";
import { placeAt } from "./place.ts";
import { StateFiles } from "./state-files.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "signstar-place-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const uid = effectiveUid();
const build = parseSystemUserId("build");

describe("a root of the caller's own", () => {
  test("makes everything the caller's, and says so", () => {
    const place = placeAt(root);
    expect(place.note).toContain("belongs to the caller");
    expect(place.owner.uid).toBe(uid);
    expect(place.user(build)).toMatchObject({ uid, home: join(root, "var/lib/signstar/home/build") });
  });

  test("may be named by a link", () => {
    const link = join(root, "link");
    const real = join(root, "real");
    mkdirSync(real);
    symlinkSync(real, link);
    expect(placeAt(link).paths.adminCredentials).toBe(join(real, "var/lib/signstar/creds/admin-credentials.toml"));
  });

  test.each(["missing", "file", "file/below"])("must be a directory: %s", (name) => {
    writeFileSync(join(root, "file"), "");
    expect(() => placeAt(join(root, name))).toThrow(expect.objectContaining({ code: "bad-root", exit: 64 }));
  });

  test("is not the directory one happens to be in, because a variable was empty", () => {
    expect(() => placeAt("")).toThrow(expect.objectContaining({ code: "bad-root", exit: 64 }));
  });
});

test("below a root with a passwd, root works for the users in it", () => {
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/passwd"), "build:x:3000:3001::/home/b:/bin/sh\nzero:x:0:0::/:/bin/sh\n");
  const place = placeAt(root);
  if (uid !== 0) {
    // The tree is still the caller's own.
    expect(place.user(build)).toMatchObject({ uid, home: join(root, "home/b") });
    return;
  }
  expect(place.note).toBeUndefined();
  expect(place.user(build)).toEqual({ uid: 3000, gid: 3001, home: join(root, "home/b"), login: "build" });
  const refused = expect.objectContaining({ code: "no-system-user", exit: 78 });
  expect(() => place.user(parseSystemUserId("stranger"))).toThrow(refused);
  expect(() => place.user(parseSystemUserId("zero"))).toThrow(refused);
});

describe("files of root", () => {
  const credentials = makeAdminCredentials(1, [parseUserId("admin")]);
  const key = { namespace: parseNamespaceId("ns1"), keyId: parseKeyId("key1") };
  const path = () => join(root, "var/lib/signstar/creds/admin-credentials.toml");

  test("are read as they were written, in directories of the right modes", () => {
    const files = new StateFiles(placeAt(root));
    expect(files.readAdminCredentials()).toBeUndefined();
    expect(files.readCertificate(key)).toBeUndefined();
    files.writeAdminCredentials(credentials);
    files.writeCertificate(key, Uint8Array.of(1, 2, 3));
    const read = files.readAdminCredentials();
    expect(read?.unlockPassphrase.equals(credentials.unlockPassphrase)).toBe(true);
    expect(files.readCertificate(key)).toEqual(Uint8Array.of(1, 2, 3));
    const state = join(root, "var/lib/signstar");
    expect(lstatSync(state).mode & 0o777).toBe(0o755);
    expect(lstatSync(dirname(path())).mode & 0o777).toBe(0o700);
    expect(lstatSync(join(state, "certificates/ns1~key1.pgp")).mode & 0o777).toBe(0o644);
  });

  test("admin credentials that others may read, or that are a link, are refused", () => {
    const files = new StateFiles(placeAt(root));
    files.writeAdminCredentials(credentials);
    const refused = (message: string) =>
      expect.objectContaining({
        code: "bad-credentials",
        exit: 78,
        message: expect.stringContaining(message),
        hint: expect.stringContaining("0600"),
      });
    chmodSync(path(), 0o640);
    expect(() => files.readAdminCredentials()).toThrow(refused("has mode 0640"));
    rmSync(path());
    symlinkSync("/etc/hostname", path());
    expect(() => files.readAdminCredentials()).toThrow(refused("is a symbolic link"));
  });
});
