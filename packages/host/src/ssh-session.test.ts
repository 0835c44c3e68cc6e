import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parseConnection, parseUserAuth, sshSession } from "./ssh-session.ts";

const directory = mkdtempSync(join(tmpdir(), "signstar-session-"));
afterAll(() => rmSync(directory, { recursive: true }));

// Made with `ssh-keygen -t ed25519`; the fingerprint is what `ssh-keygen -lf` prints.
const key = "AAAAC3NzaC1lZDI1NTE5AAAAIIsXseYZZ848xwZwHMv6IfOZFicmSOjcwcmgCIXQoTXp";
const fingerprint = "SHA256:r5wbD91glQhc+bRw8SaqnDRmxWYEMleP/xvoUXsYcM0";

describe("parseUserAuth", () => {
  test("gives the fingerprint that ssh-keygen shows", () => {
    expect(parseUserAuth(`publickey ssh-ed25519 ${key}\n`)?.fingerprint).toBe(fingerprint);
    expect(parseUserAuth(`password\npublickey ssh-ed25519 ${key}\n`)?.type).toBe("ssh-ed25519");
  });

  test("has the same digest in base64 and hex", async () => {
    await fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (blob) => {
        const found = parseUserAuth(`publickey ssh-rsa ${Buffer.from(blob).toString("base64")}`);
        const digest = Buffer.from(found?.fingerprint.slice(7) ?? "", "base64");
        expect(found?.hex).toMatch(/^[0-9a-f]{64}$/);
        expect(digest.toString("hex")).toBe(found?.hex);
      }),
    );
  });

  test("knows no key where another method was used", () => {
    expect(parseUserAuth("password\n")).toBeUndefined();
    expect(parseUserAuth("")).toBeUndefined();
  });

  test.each([
    "publickey ",
    "publickey ssh-rsa",
    "publickey ssh-rsa ?",
    "publickey ../x AAAA",
    "publickey ssh-rsa AAAA extra",
  ])("refuses %j", (line) => {
    expect(() => parseUserAuth(line)).toThrow(expect.objectContaining({ code: "session-unreadable" }));
  });

  test("refuses or reads anything, but does not break", async () => {
    await fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseUserAuth(`publickey ${text}`);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "session-unreadable" });
        }
      }),
    );
  });
});

describe("parseConnection", () => {
  test("has the other end's address and port", () => {
    expect(parseConnection("2001:db8::7 50022 2001:db8::1 22")).toEqual({ address: "2001:db8::7", port: 50022 });
    expect(parseConnection("fe80::1%eth0 1 fe80::2%eth0 22").address).toBe("fe80::1%eth0");
    expect(parseConnection("UNKNOWN 65535 UNKNOWN 65535").address).toBe("UNKNOWN");
  });

  test.each(["", "1.2.3.4", "1.2.3.4 x 1.2.3.4 22", "\x1b[2J 1 1.2.3.4 22", "a 1 b 2 c"])("refuses %j", (text) => {
    expect(() => parseConnection(text)).toThrow(expect.objectContaining({ code: "session-unreadable" }));
  });
});

test("sshSession reads the file that sshd names and nothing else", () => {
  const path = join(directory, "auth");
  writeFileSync(path, `publickey ssh-ed25519 ${key}\n`, { mode: 0o600 });
  const session = sshSession({ SSH_USER_AUTH: path, SSH_CONNECTION: "192.0.2.1 4711 192.0.2.2 22", SSH_CLIENT: "x" });
  expect(session.clientKey?.fingerprint).toBe(fingerprint);
  expect(session.peer).toEqual({ address: "192.0.2.1", port: 4711 });
  expect(sshSession({})).toEqual({ clientKey: undefined, peer: undefined });
  expect(() => sshSession({ SSH_USER_AUTH: join(directory, "none") })).toThrow(/does not exist/);
});

test.each([
  ["is not there", undefined, 0o600],
  ["is too long", "x".repeat(70_000), 0o600],
  ["others can write", "", 0o666],
])("a file of sshd's that %s is a fault of this machine, not of the client's input", (_, text, mode) => {
  const path = join(directory, "bad");
  rmSync(path, { force: true });
  if (text !== undefined) writeFileSync(path, text);
  if (text !== undefined) chmodSync(path, mode);
  expect(() => sshSession({ SSH_USER_AUTH: path })).toThrow(
    expect.objectContaining({ code: "session-unreadable", exit: 78 }),
  );
});
