import { Secret } from "@signstar/primitives/secret";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireNetmask, requireNewPassphrase, requireSignable } from "./checks.ts";
import { NetHsm } from "./client.ts";
import { parseMemberId } from "./cluster.ts";
import { NetHsmError } from "./errors.ts";
import { parseKeyId, parseUserId } from "./ids.ts";
import { type Device, makeIdentity, startDevice } from "./server.test-helper.ts";

const accepts = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid-argument", exit: 64 });
    return false;
  }
};

test("a new passphrase has 10 to 200 bytes of UTF-8", () => {
  void fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 250 }), (text) => {
      const bytes = Buffer.byteLength(text);
      expect(accepts(() => requireNewPassphrase("passphrase", Secret.fromText(text)))).toBe(
        bytes >= 10 && bytes <= 200,
      );
    }),
  );
  const notText = () => Secret.take(new Uint8Array(20).fill(0xff));
  expect(accepts(() => requireNewPassphrase("passphrase", notText()))).toBe(false);
});

test.each([
  ["PKCS1", 1013, true],
  ["PKCS1", 1014, false],
  ["PSS_SHA256", 32, true],
  ["PSS_SHA256", 33, false],
  ["PSS_MD5", 16, true],
  ["ECDSA", 64, true],
  ["ECDSA", 66, false],
  ["ECDSA", 0, false],
  ["EdDSA", 0, true],
  ["EdDSA", 100_000, true],
  ["BIP340", 5, true],
] as const)("%s of %d bytes: %s", (mode, length, fine) => {
  expect(accepts(() => requireSignable(mode, new Uint8Array(length)))).toBe(fine);
});

test.each([
  ["255.255.255.0", true],
  ["0.0.0.0", true],
  ["255.255.255.255", true],
  ["255.0.255.0", false],
  ["0.0.0.1", false],
  ["255.255.255", false],
  ["ffff::", false],
])("netmask %s: %s", (mask, fine) => {
  expect(accepts(() => requireNetmask(mask))).toBe(fine);
});

describe("not asked of the device:", () => {
  let device: Device;
  let hsm: NetHsm;
  const key = parseKeyId("key1");
  const short = Secret.fromText("short");
  const fine = Secret.fromText("long enough");
  const network = { ipAddress: "192.0.2.5", netmask: "255.255.255.0", gateway: "0.0.0.0" };
  const urls = ["https://192.0.2.1:2380"];

  beforeAll(async () => {
    device = await startDevice(makeIdentity(), () => ({ status: 204 }));
    hsm = new NetHsm(device.pinned, { credentials: { user: parseUserId("admin"), passphrase: fine } });
  });

  afterAll(async () => {
    hsm.close();
    expect(device.seen).toEqual([]);
    await device[Symbol.asyncDispose]();
  });

  test.each<[string, () => Promise<unknown>]>([
    ["short unlock passphrase", () => hsm.unlock(short)],
    [
      "short admin passphrase",
      () => hsm.provision({ unlockPassphrase: fine, adminPassphrase: short, systemTime: new Date() }),
    ],
    ["time that is none", () => hsm.config.setTime(new Date(Number.NaN))],
    ["time before 1970", () => hsm.config.setTime(new Date(-1))],
    [
      "short user passphrase",
      () => hsm.users.create(parseUserId("op"), { realName: "", role: "Operator", passphrase: short }),
    ],
    ["short new passphrase", () => hsm.users.setPassphrase(parseUserId("op"), short)],
    ["short backup passphrase", () => hsm.config.setBackupPassphrase({ next: short })],
    ["no mechanism", () => hsm.keys.generate({ type: "Curve25519", mechanisms: [] })],
    ["foreign mechanism", () => hsm.keys.generate({ type: "Curve25519", mechanisms: ["ECDSA_Signature"] })],
    ["no length", () => hsm.keys.generate({ type: "RSA", mechanisms: ["RSA_Signature_PKCS1"] })],
    ["short length", () => hsm.keys.generate({ type: "RSA", mechanisms: ["RSA_Signature_PKCS1"], length: 1023 })],
    ["long length", () => hsm.keys.generate({ type: "Generic", mechanisms: ["AES_Decryption_CBC"], length: 8193 })],
    ["long label", () => hsm.keys.setLabel(key, "ä".repeat(17))],
    ["long label to look for", () => hsm.keys.list({ label: "x".repeat(33) })],
    ["scalar of the wrong length", () => hsm.keys.import({ type: "EC_P256", mechanisms: [], data: fine })],
    [
      "foreign mechanism of an import",
      () => hsm.keys.import({ type: "EC_P256", mechanisms: ["EdDSA_Signature"], data: fine }),
    ],
    ["private key that is not PEM", () => hsm.keys.importPem({ mechanisms: [], pem: fine })],
    [
      "encrypted private key",
      () => hsm.keys.importPem({ mechanisms: [], pem: Secret.fromText("-----BEGIN ENCRYPTED PRIVATE KEY-----\n") }),
    ],
    ["certificate that is too large", () => hsm.keys.setCertificate(key, new Uint8Array(1024 * 1024 + 1))],
    ["empty common name", () => hsm.keys.csr(key, { commonName: "" })],
    ["half a block to encrypt", () => hsm.keys.encrypt(key, { mode: "AES_CBC", message: new Uint8Array(17) })],
    ["short iv", () => hsm.keys.encrypt(key, { mode: "AES_CBC", message: new Uint8Array(16), iv: new Uint8Array(12) })],
    ["no iv", () => hsm.keys.decrypt(key, { mode: "AES_CBC", encrypted: new Uint8Array(16) })],
    ["no random bytes", () => hsm.random(0)],
    ["too many random bytes", () => hsm.random(1025)],
    ["network address", () => hsm.config.setNetwork({ ...network, ipAddress: "fd00::5" })],
    ["gateway", () => hsm.config.setNetwork({ ...network, gateway: "" })],
    ["IPv6 without prefix length", () => hsm.config.setNetwork({ ...network, ipv6: { cidr: "fd00::5" } })],
    ["IPv6 with a long prefix", () => hsm.config.setNetwork({ ...network, ipv6: { cidr: "fd00::5/129" } })],
    ["IPv6 gateway", () => hsm.config.setNetwork({ ...network, ipv6: { cidr: "fd00::5/64", gateway: "192.0.2.1" } })],
    ["syslog address", () => hsm.config.setLogging({ ipAddress: "log.example", port: 514, logLevel: "info" })],
    ["syslog port", () => hsm.config.setLogging({ ipAddress: "192.0.2.9", port: 65_536, logLevel: "info" })],
    ["TLS key without length", () => hsm.config.tls.generate("RSA")],
    ["TLS certificate that is DER", () => hsm.config.tls.setCertificate("0\u0082")],
    ["peer URL without port", () => hsm.cluster.addMember(["https://192.0.2.1"])],
    ["no peer URL", () => hsm.cluster.setMemberUrls(parseMemberId("ab"), [])],
    ["cluster of one", () => hsm.cluster.join({ members: [{ name: "", urls }], joinerKit: "" }, fine)],
    [
      "cluster without joiner",
      () =>
        hsm.cluster.join(
          {
            members: [
              { name: "a", urls },
              { name: "b", urls },
            ],
            joinerKit: "",
          },
          fine,
        ),
    ],
  ])("%s", async (_, call) => {
    await expect(call()).rejects.toMatchObject({ code: "invalid-argument", exit: 64 });
  });

  test("cluster member that is not hexadecimal", () => {
    expect(() => parseMemberId("../x")).toThrow(NetHsmError);
  });
});
