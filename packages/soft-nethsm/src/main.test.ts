/** The program as it is started: one line when ready, an orderly end, nothing lost when there is none. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_CIPHERS } from "node:tls";
import type { Io } from "@signstar/command/io";
import { runWith } from "@signstar/command/run";
import { toPem } from "@signstar/primitives/pem";
import { afterEach, expect, test } from "vitest";
import { selfSigned } from "./crypto/certificate.ts";
import { generateAsymmetric } from "./crypto/generate.ts";
import { toStored } from "./crypto/material.ts";
import { softNethsm } from "./main.ts";

const program = [
  'import { run } from "@signstar/command/run";',
  'import { softNethsm } from "@signstar/soft-nethsm/main";',
  "await run(softNethsm);",
].join("\n");
const repository = join(import.meta.dirname, "../../..");
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(...args: string[]) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", "soft-nethsm", ...args], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] },
  });
  children.push(child);
  const seen = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    seen.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    seen.err += text;
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  const ready = async () => {
    while (!seen.out.includes("\n")) {
      await Promise.race([once(child.stdout, "data"), ended]);
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${seen.err}`);
    }
    return JSON.parse(seen.out) as { url: string; tlsFingerprint: string };
  };
  return { child, seen, ended, ready };
}

/** Any certificate, also one with a short key. */
const lenient = { rejectUnauthorized: false, agent: false, ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=1` } as const;

function send(
  url: string,
  method: string,
  path: string,
  options: { auth?: string; json?: object } = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const { auth, json } = options;
    const settings = { method, headers, ...lenient, ...(auth ? { auth } : {}) };
    const sent = request(`${url}${path}`, settings, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject).end(json && JSON.stringify(json));
  });
}

const provisioning = {
  unlockPassphrase: "unlock passphrase",
  adminPassphrase: "secret of the administrator",
  systemTime: "2026-01-01T00:00:00Z",
};
const auth = `admin:${provisioning.adminPassphrase}`;
const freshDirectory = () => join(mkdtempSync(join(tmpdir(), "soft-nethsm-")), "data");

test("what was answered is there after a kill; the device comes back locked, as the same device", async () => {
  const directory = freshDirectory();
  const args = ["serve", "--data-dir", directory, "--listen", "127.0.0.1:0"];
  const first = start(...args);
  const { url, tlsFingerprint } = await first.ready();
  expect(tlsFingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await send(url, "POST", "/provision", { json: provisioning })).toBe(204);
  const key = { id: "k", type: "Curve25519", mechanisms: ["EdDSA_Signature"] };
  expect(await send(url, "POST", "/keys/generate", { auth, json: key })).toBe(201);

  const second = start(...args);
  expect(await second.ended).toBe(75);
  expect(second.seen.err).toContain("is in use by another soft-nethsm");

  first.child.kill("SIGKILL");
  await first.ended;
  expect(first.seen.err).toContain('"path":"/api/v1/keys/generate"');
  expect(first.seen.err).not.toContain("passphrase");
  expect(first.seen.err).not.toContain("secret");

  const third = start(...args);
  const again = await third.ready();
  expect(again.tlsFingerprint).toBe(tlsFingerprint);
  expect(await send(again.url, "GET", "/keys/k", { auth })).toBe(412);
  expect(await send(again.url, "POST", "/unlock", { json: { passphrase: provisioning.unlockPassphrase } })).toBe(204);
  expect(await send(again.url, "GET", "/keys/k", { auth })).toBe(200);
  third.child.kill("SIGTERM");
  expect(await third.ended).toBe(0);
  expect(third.seen.out.split("\n")).toHaveLength(2);
});

test("the shortest RSA key that may be generated serves at once, and at the next start", async () => {
  const args = ["--data-dir", freshDirectory(), "--listen", "127.0.0.1:0"];
  const first = start(...args);
  const { url } = await first.ready();
  expect(await send(url, "POST", "/provision", { json: provisioning })).toBe(204);
  expect(await send(url, "POST", "/config/tls/generate", { auth, json: { type: "RSA", length: 1024 } })).toBe(204);
  expect(await send(url, "GET", "/health/ready")).toBe(200);
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(0);
  const again = start(...args);
  expect(await send((await again.ready()).url, "GET", "/health/state")).toBe(200);
});

test("POST /system/shutdown ends the program", async () => {
  const device = start("--memory", "--listen", "127.0.0.1:0");
  const { url } = await device.ready();
  expect(await send(url, "POST", "/system/shutdown")).toBe(204);
  expect(await device.ended).toBe(0);
});

test("a certificate from outside is shown", async () => {
  const key = await generateAsymmetric("EC_P384");
  const directory = mkdtempSync(join(tmpdir(), "soft-nethsm-"));
  const [cert, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const der = selfSigned(key, "example");
  writeFileSync(cert, toPem("CERTIFICATE", der));
  writeFileSync(keyFile, toStored(key).pem);
  const device = start("--memory", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", keyFile);
  const { tlsFingerprint } = await device.ready();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(der)));
  expect(tlsFingerprint).toBe(`sha256:${Buffer.from(digest).toString("hex")}`);
});

function refuse(): never {
  throw new Error("a program that does not start reads and writes nothing");
}

const unused: Io = {
  readStdin: refuse,
  stdin: process.stdin,
  write: refuse,
  stream: refuse,
  note: refuse,
  status: refuse,
  stderrIsTerminal: false,
  stdoutIsTerminal: false,
};

test.each([
  [["--memory", "--data-dir", "x"], 64, "give either --data-dir or --memory"],
  [[], 64, "give either --data-dir or --memory"],
  [["stop"], 64, 'unknown command "stop"'],
  [["--memory", "--listen", "8443"], 64, 'cannot listen on "8443"'],
  [["--memory", "--tls-cert", "x"], 64, "--tls-cert and --tls-key go together"],
  [["--memory", "--tls-cert", "/none", "--tls-key", "/none"], 78, "cannot use /none with /none"],
  [["--memory", "--release", "1.0"], 64, "release"],
  [["--memory", "--listen", "192.0.2.1:1"], 69, "cannot listen on 192.0.2.1:1"],
])("%j ends with %i", async (args, exit, message) => {
  await expect(runWith(softNethsm, args, unused)).rejects.toMatchObject({
    exit,
    message: expect.stringContaining(message),
  });
});
