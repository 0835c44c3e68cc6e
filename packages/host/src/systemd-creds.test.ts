// needs: systemd-creds
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decryptCredential, encryptCredential, requireUserScope } from "./systemd-creds.ts";
import { ownHostKey } from "./testing/host-key.ts";
import { fakeSystemdCreds } from "./testing/systemd-creds.ts";

const secret = new Uint8Array([...Buffer.from("line\n\0"), 0xff]);

describe("for the system, by this machine's systemd-creds", () => {
  let key: ReturnType<typeof ownHostKey>;
  beforeEach(() => {
    key = ownHostKey();
  });
  afterEach(() => key[Symbol.dispose]());

  test("what was encrypted is decrypted, as it was", async () => {
    const blob = await encryptCredential(secret, "system");
    expect(Buffer.from(blob).toString()).toMatch(/^[A-Za-z0-9+/=\n]+$/);
    expect(await decryptCredential(blob, "system")).toEqual(secret);
  });

  test("what is damaged or encrypted with another key is not", async () => {
    const blob = await encryptCredential(secret, "system");
    const refused = expect.objectContaining({ code: "credential-unusable", exit: 78 });
    await expect(decryptCredential(blob.subarray(0, -9), "system")).rejects.toThrow(refused);
    await expect(decryptCredential(new Uint8Array(0), "system")).rejects.toThrow(refused);
    using _other = ownHostKey();
    await encryptCredential(secret, "system");
    await expect(decryptCredential(blob, "system")).rejects.toThrow(refused);
  });

  test("nothing is encrypted without a key", async () => {
    // A directory is no key.
    mkdirSync(key.path);
    await expect(encryptCredential(secret, "system")).rejects.toMatchObject({
      code: "encryption-failed",
      exit: 78,
      hint: expect.stringContaining("admin_secret_handling"),
    });
  });
});

describe("for a user", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "signstar-creds-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test("the secret goes through pipes alone, to and from exactly this command", async () => {
    using fake = fakeSystemdCreds(directory);
    const blob = await encryptCredential(secret, { user: "build" });
    expect(await decryptCredential(blob, { user: "build" })).toEqual(secret);
    await expect(decryptCredential(blob, { user: "other" })).rejects.toMatchObject({ code: "credential-unusable" });
    expect(fake.calls()).toEqual([
      "--user --name= --uid build encrypt - -",
      "--user --name= --uid build decrypt - -",
      "--user --name= --uid other decrypt - -",
    ]);
  });

  test.each([256, 257, 300])("systemd %i will do", async (version) => {
    using _fake = fakeSystemdCreds(directory, version);
    await requireUserScope();
  });

  test.each([255, 252, 99])("systemd %i is too old", async (version) => {
    using _fake = fakeSystemdCreds(directory, version);
    await expect(requireUserScope()).rejects.toMatchObject({
      code: "encryption-failed",
      exit: 78,
      message: `systemd ${version} does not encrypt for users, as systemd 256 does`,
      hint: 'write non_admin_secret_handling = "plaintext", and keep /var on an encrypted disk',
    });
  });

  test.each([
    ["that says something else", "#!/bin/sh\necho hello\n"],
    ["that fails", "#!/bin/sh\nexit 3\n"],
  ])("a program %s is none of systemd's", async (_, text) => {
    using _fake = fakeSystemdCreds(directory);
    writeFileSync(join(directory, "systemd-creds"), text);
    await expect(requireUserScope()).rejects.toMatchObject({ code: "encryption-failed", exit: 78 });
  });

  test("without systemd nothing is encrypted, and nothing seen as damaged", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = directory;
    try {
      await expect(requireUserScope()).rejects.toMatchObject({ code: "encryption-failed" });
      await expect(encryptCredential(secret, { user: "build" })).rejects.toMatchObject({ code: "encryption-failed" });
      await expect(decryptCredential(secret, "system")).rejects.toMatchObject({ code: "program-missing", exit: 78 });
    } finally {
      process.env["PATH"] = path;
    }
  });
});
