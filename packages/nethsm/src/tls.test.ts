import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { Secret } from "@signstar/primitives/secret";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NetHsm } from "./client.ts";
import { NetHsmError } from "./errors.ts";
import { parseUserId } from "./ids.ts";
import { json, makeIdentity, startDevice } from "./server.test-helper.ts";
import { parseDeviceUrl, parsePin, pinOf, showPin, type TlsSecurity } from "./tls.ts";

const identity = makeIdentity();
const credentials = { user: parseUserId("admin"), passphrase: Secret.fromText("Administrator") };
const otherPin = pinOf(Uint8Array.of(1, 2, 3));
const answer = json([]);

async function outcome(tls: TlsSecurity) {
  await using device = await startDevice(identity, () => answer);
  let bytes = 0;
  device.server.on("secureConnection", (socket: TLSSocket) =>
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length)),
  );
  using hsm = new NetHsm({ url: device.pinned.url, tls }, { credentials });
  try {
    await hsm.users.list();
    return { code: "accepted", message: "", bytes };
  } catch (error) {
    if (!(error instanceof NetHsmError)) throw error;
    // Time for bytes that should not be on their way to arrive.
    await new Promise((resolve) => setTimeout(resolve, 30));
    return { code: error.code, message: error.message, bytes };
  }
}

describe("a pinned device", () => {
  test("is accepted by its pin, alone or among others", async () => {
    expect((await outcome({ mode: "pinned", sha256: [identity.pin] })).code).toBe("accepted");
    expect((await outcome({ mode: "pinned", sha256: [otherPin, identity.pin] })).code).toBe("accepted");
  });

  test("with another certificate gets not one byte, and the error shows both pins", async () => {
    const { code, message, bytes } = await outcome({ mode: "pinned", sha256: [otherPin] });
    expect({ code, bytes }).toEqual({ code: "tls-pin-mismatch", bytes: 0 });
    expect(message).toContain(showPin(identity.pin));
    expect(message).toContain(showPin(otherPin));
  });

  test("is refused by an empty list", async () => {
    expect(await outcome({ mode: "pinned", sha256: [] })).toMatchObject({ code: "tls-pin-mismatch", bytes: 0 });
  });

  test("is looked at on each connection: none resumes the session of another", async () => {
    const resumed: boolean[] = [];
    await using device = await startDevice(identity, () => answer);
    device.server.on("secureConnection", (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
    using hsm = new NetHsm(device.pinned, { credentials, keepAlive: false });
    for (let i = 0; i < 3; i += 1) await hsm.users.list();
    expect(resumed).toEqual([false, false, false]);
  });
});

describe("without pins", () => {
  test("any certificate will do where that is asked for", async () => {
    expect((await outcome({ mode: "unsafe" })).code).toBe("accepted");
  });

  test("a certificate that the system does not know is refused before a byte is sent", async () => {
    expect(await outcome({ mode: "native" })).toMatchObject({ code: "tls-untrusted", bytes: 0 });
  });

  // With the second one Node.js parses no authorities of its own; programs that ask a device run so.
  test.each([[[]], [["--use-openssl-ca"]]])(
    "the system's authorities are believed, for the right host name only (%j)",
    async (flags) => {
      const dir = mkdtempSync(join(tmpdir(), "nethsm-test-"));
      try {
        const file = join(dir, "ca.pem");
        writeFileSync(file, identity.cert);
        await using device = await startDevice(identity, () => answer);
        const program = `
        import { NetHsm } from ${JSON.stringify(new URL("./client.ts", import.meta.url).href)};
        for (const host of ["127.0.0.1", "localhost"]) {
          const hsm = new NetHsm({ url: process.argv[1].replace("127.0.0.1", host), tls: { mode: "native" } });
          const code = await hsm.health.ready().then(() => "accepted", (error) => error.code);
          console.log(host, code);
        }`;
        // Not the synchronous one: the server is in this process.
        const output = await new Promise<string>((resolve, reject) => {
          const env = { PATH: process.env["PATH"], SSL_CERT_FILE: file, SSL_CERT_DIR: dir };
          const args = [...flags, "--input-type=module", "--eval", program, device.url];
          execFile(process.execPath, args, { env, timeout: 20_000 }, (error, stdout, stderr) =>
            error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error })),
          );
        });
        expect(output.trim().split("\n")).toEqual(["127.0.0.1 accepted", "localhost tls-untrusted"]);
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
  );
});

test("a pin is what openssl calls the certificate's fingerprint", () => {
  const output = execFileSync("openssl", ["x509", "-noout", "-fingerprint", "-sha256"], {
    input: identity.cert,
    encoding: "utf8",
  });
  expect(output.split("=")[1]?.trim().replaceAll(":", "").toLowerCase()).toBe(identity.pin);
});

test("pins are read with and without prefix, in either case, and written in one way", () => {
  const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
  void fc.assert(
    fc.property(hex, (pin) => {
      expect(parsePin(pin)).toBe(pin);
      expect(parsePin(pin.toUpperCase())).toBe(pin);
      expect(parsePin(showPin(pin))).toBe(pin);
    }),
  );
  for (const bad of [
    "",
    "sha256:",
    "ab".repeat(31),
    "ab".repeat(33),
    `sha512:${"ab".repeat(32)}`,
    `${"ab".repeat(32)}\n`,
  ]) {
    expect(() => parsePin(bad)).toThrow(NetHsmError);
  }
});

describe("a device URL", () => {
  test.each([
    ["https://nethsm.example/api/v1", "https://nethsm.example/api/v1"],
    ["https://192.0.2.1:8443/api/v1/", "https://192.0.2.1:8443/api/v1"],
    ["https://[2001:db8::1]:8443/api/v1", "https://[2001:db8::1]:8443/api/v1"],
    ["https://localhost:8080/", "https://localhost:8080"],
  ])("%s is read as %s", (text, url) => {
    expect(parseDeviceUrl(text)).toBe(url);
  });

  test.each([
    "",
    "nethsm.example",
    "http://nethsm.example/api/v1",
    "https://",
    "https://admin:secret@nethsm.example/api/v1",
    "https://nethsm.example/api/v1?x=1",
    "https://nethsm.example/api/v1#x",
    "https://nethsm.example/api v1",
    " https://nethsm.example/api/v1",
  ])("%j is refused", (text) => {
    expect(() => parseDeviceUrl(text)).toThrow(NetHsmError);
  });
});
