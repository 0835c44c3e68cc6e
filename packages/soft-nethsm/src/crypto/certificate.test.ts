import { createPublicKey, verify, X509Certificate } from "node:crypto";
import { DerReader, Tag } from "@signstar/primitives/der";
import { toPem } from "@signstar/primitives/pem";
import { expect, test } from "vitest";
import { certificateRequest, selfSigned } from "./certificate.ts";
import { isCurveType } from "./curves.ts";
import { generateAsymmetric, generateRsa } from "./generate.ts";
import type { KeyPair } from "./material.ts";

const types = ["EC_P256", "EC_P384", "EC_P521", "EC_P256K1", "BrainpoolP512", "Curve25519", "RSA"] as const;
const make = (type: (typeof types)[number]): Promise<KeyPair> =>
  type === "RSA" ? generateRsa(1024, "length") : generateAsymmetric(type);

const subject = {
  commonName: "exämple",
  countryName: "DE",
  localityName: "L",
  stateOrProvinceName: "ST",
  organizationName: "O",
  organizationalUnitName: "OU",
  emailAddress: "a@b",
};

/** The parts of SEQUENCE { SEQUENCE info, SEQUENCE algorithm, BIT STRING signature }. */
function signedParts(pem: string) {
  const der = new Uint8Array(Buffer.from(pem.replace(/-----.*-----/g, ""), "base64"));
  const outer = new DerReader(der);
  const content = outer.read(Tag.sequence);
  const parts = new DerReader(content);
  const info = parts.read(Tag.sequence);
  const tbs = content.subarray(0, info.byteOffset - content.byteOffset + info.length);
  parts.read(Tag.sequence);
  const signature = parts.read(Tag.bitString).subarray(1);
  parts.end();
  return { tbs, signature };
}

test.each(types)("a request of a key of type %s verifies under that key", async (type) => {
  const key = await make(type);
  const { tbs, signature } = signedParts(certificateRequest(key, subject, [], true));
  const hash = isCurveType(key.type) && "curve" in key ? key.curve.hash : type === "RSA" ? "sha256" : null;
  expect(verify(hash, tbs, key.publicKey, signature)).toBe(true);
});

test.each(types)("a certificate of a key of type %s signs itself", async (type) => {
  const key = await make(type);
  const certificate = new X509Certificate(selfSigned(key, "keyfender"));
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
  expect([certificate.subject, certificate.validFrom, certificate.validTo]).toEqual([
    "CN=keyfender",
    "Jan  1 00:00:00 1970 GMT",
    "Dec 31 23:59:59 9999 GMT",
  ]);
  expect(createPublicKey(certificate.toString()).equals(key.publicKey)).toBe(true);
});

test("addresses among the alternative names are addresses from 4.0 on, and names before", async () => {
  const key = await make("EC_P256");
  const names = ["example", "IP:10.0.0.1", "IP:fd00::1", "IP:nonsense"];
  const contains = (pem: string, hex: string) =>
    Buffer.from(pem.replace(/-----.*-----/g, ""), "base64").includes(Buffer.from(hex, "hex"));
  const request = certificateRequest(key, subject, names, true);
  expect(contains(request, "87040a000001")).toBe(true);
  expect(contains(request, "8710fd000000000000000000000000000001")).toBe(true);
  expect(contains(request, `820b${Buffer.from("IP:nonsense").toString("hex")}`)).toBe(true);
  expect(contains(certificateRequest(key, subject, names, false), "87040a000001")).toBe(false);
});

test("PEM lines have 64 characters", () => {
  expect(toPem("X", new Uint8Array(48))).toBe(`-----BEGIN X-----\n${"A".repeat(64)}\n-----END X-----\n`);
});
