import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoginOptions, loginMethods } from "./login-keys.ts";
import { makeKey } from "./testing/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "login-"));
const [plain, locked, alone] = [join(folder, "plain"), join(folder, "locked"), join(folder, "alone")];
beforeAll(() => {
  makeKey(plain);
  for (const path of [locked, alone]) {
    makeKey(path);
    execFileSync("ssh-keygen", ["-q", "-p", "-N", "passphrase", "-f", path], { stdio: "ignore" });
  }
  rmSync(`${alone}.pub`);
  writeFileSync(join(folder, "rubbish"), "no key");
});
afterAll(() => rmSync(folder, { recursive: true }));

function kinds(given: Partial<LoginOptions>): readonly string[] {
  const none = { home: join(folder, "none"), agentSocket: undefined, publicKey: undefined, identity: undefined };
  return loginMethods({ user: "build", ...none, ...given }).map(({ type }) => type);
}

test("a named private key is the only one offered", () => {
  expect(kinds({ identity: plain, agentSocket: "/agent" })).toEqual(["publickey"]);
});

test("a public key, or a locked private key with its public half, means the agent's", () => {
  expect(kinds({ identity: `${plain}.pub`, agentSocket: "/agent" })).toEqual(["agent"]);
  expect(kinds({ identity: locked, agentSocket: "/agent" })).toEqual(["agent"]);
  expect(() => kinds({ identity: `${plain}.pub` })).toThrow(expect.objectContaining({ code: "usage" }));
});

test("a key that cannot be used says so", () => {
  const noInput = expect.objectContaining({ code: "no-input", exit: 66 });
  for (const identity of [locked, alone, join(folder, "rubbish"), join(folder, "missing")]) {
    expect(() => kinds({ identity })).toThrow(noInput);
  }
  expect(() => kinds({ identity: alone, agentSocket: "/agent" })).toThrow(noInput);
});

test("without a name the agent comes first, then the usual files that need no passphrase", () => {
  const ssh = join(folder, "home", ".ssh");
  mkdirSync(ssh, { recursive: true });
  renameSync(plain, join(ssh, "id_ed25519"));
  renameSync(locked, join(ssh, "id_rsa"));
  const home = join(folder, "home");
  expect(kinds({ home, agentSocket: "/agent" })).toEqual(["agent", "publickey"]);
  expect(kinds({ home })).toEqual(["publickey"]);
  expect(() => kinds({})).toThrow(expect.objectContaining({ code: "login-refused", exit: 69 }));
});
