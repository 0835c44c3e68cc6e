import { createHash } from "node:crypto";
import { concat, fromHex, leftPad, toUtf8 } from "@signstar/primitives/bytes";
import { describe, expect, test } from "vitest";
import { materialOf } from "./key-material.ts";
import { nethsmSigner, readAnswer } from "./raw-signer.ts";
import { keyKinds, makeTestKeys } from "./testing/in-process-keys.ts";
import { keyId } from "./testing/setup.ts";
import { verifyRaw } from "./verify.ts";

const sha = (name: string, text: string) => new Uint8Array(createHash(name).update(toUtf8(text)).digest());
const digest = sha("sha512", "some data");

/** RFC 6979 §A.2.5, message "sample". */
const rfc6979 = {
  material: {
    algorithm: "ECDSA",
    curve: "P-256",
    point: fromHex(
      "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    ),
  },
  raw: {
    algorithm: "ECDSA",
    r: fromHex("8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00"),
    s: fromHex("2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe"),
  },
  // The order less s.
  otherS: fromHex("dc9d54e4241d47530634612548bf159f7326d29c57f33d8b8e64d4a34e302253"),
} as const;

describe("raw verification", () => {
  test.each(keyKinds)("%s: the key's own signature, and no other", async (kind) => {
    const keys = makeTestKeys(kind);
    const material = materialOf(keys.publicKey);
    const answer = await nethsmSigner(keys, keyId, material).sign(digest);
    const raw = readAnswer(material, answer);
    expect(await verifyRaw(material, digest, raw)).toBe(true);
    expect(await verifyRaw(material, digest.with(0, (digest[0] ?? 0) ^ 1), raw)).toBe(false);
    expect(await verifyRaw(materialOf(makeTestKeys(kind).publicKey), digest, raw)).toBe(false);
    const s = raw.s.with(-1, (raw.s.at(-1) ?? 0) ^ 1);
    expect(await verifyRaw(material, digest, { ...raw, s })).toBe(false);
  });

  test("a known ECDSA signature over a longer digest, with either s", async () => {
    const { material, raw, otherS } = rfc6979;
    const sample = sha("sha512", "sample");
    expect(await verifyRaw(material, sample, raw)).toBe(true);
    expect(await verifyRaw(material, sample, { ...raw, s: otherS })).toBe(true);
    expect(await verifyRaw(material, sha("sha512", "Sample"), raw)).toBe(false);
    const offCurve = { ...material, point: material.point.with(64, 0) };
    expect(await verifyRaw(offCurve, sample, raw)).toBe(false);
  });

  test("numbers of another kind, too long, or not below the modulus", async () => {
    const rsa = materialOf(makeTestKeys("RSA-2048").publicKey);
    const modulus = rsa.algorithm === "RSA" ? rsa.modulus : new Uint8Array(0);
    expect(await verifyRaw(rsa, digest, rfc6979.raw)).toBe(false);
    expect(await verifyRaw(rsa, digest, { algorithm: "RSA", s: modulus })).toBe(false);
    expect(await verifyRaw(rsa, digest, { algorithm: "RSA", s: leftPad(Uint8Array.of(1), 256) })).toBe(false);
    expect(await verifyRaw(rsa, digest, { algorithm: "RSA", s: new Uint8Array(257).fill(1) })).toBe(false);
    const long = concat(Uint8Array.of(1), rfc6979.raw.r);
    expect(await verifyRaw(rfc6979.material, digest, { ...rfc6979.raw, r: long })).toBe(false);
    const ed25519 = materialOf(makeTestKeys("Curve25519").publicKey);
    expect(await verifyRaw(ed25519, digest, { algorithm: "EdDSALegacy", r: long, s: long })).toBe(false);
  });

  test.each([
    ["without DigestInfo", (hash: Uint8Array) => hash],
    [
      "with another hash's DigestInfo",
      (hash: Uint8Array) => concat(fromHex("3051300d060960864801650304020205000440"), hash),
    ],
    [
      "with bytes after it",
      (hash: Uint8Array) => concat(fromHex("3051300d060960864801650304020305000440"), hash, hash),
    ],
  ])("RSA signs the digest %s: refused", async (_, encode) => {
    const keys = makeTestKeys("RSA-2048");
    const s = await keys.sign(keyId, { mode: "PKCS1", message: encode(digest) });
    expect(await verifyRaw(materialOf(keys.publicKey), digest, { algorithm: "RSA", s })).toBe(false);
  });

  test.each(["sha1", "sha256", "sha384"])("RSA over %s", async (name) => {
    const prefixes: Record<string, string> = {
      sha1: "3021300906052b0e03021a05000414",
      sha256: "3031300d060960864801650304020105000420",
      sha384: "3041300d060960864801650304020205000430",
    };
    const keys = makeTestKeys("RSA-2048");
    const hash = sha(name, "some data");
    const s = await keys.sign(keyId, { mode: "PKCS1", message: concat(fromHex(prefixes[name] ?? ""), hash) });
    expect(await verifyRaw(materialOf(keys.publicKey), hash, { algorithm: "RSA", s })).toBe(true);
  });
});
