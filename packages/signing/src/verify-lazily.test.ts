import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { parseSignature } from "@signstar/openpgp/signature";
import { vector } from "@signstar/openpgp/testing/vector";
import { fromHex } from "@signstar/primitives/bytes";
import { describe, expect, test, vi } from "vitest";
import { verifyRaw } from "./verify.ts";

vi.mock("@noble/curves/nist.js", () => {
  throw new Error("the library is loaded");
});

describe("the library for curves is loaded for EC keys alone", () => {
  test("not for Ed25519", async () => {
    const point = fromHex("c561fa9f643fe5c60113cce9db282fde2b9e5ca5fc6b6fc0d1679bb339c9f72f");
    const { raw } = parseSignature(vector.packet);
    expect(await verifyRaw({ algorithm: "EdDSALegacy", point }, fromHex(vector.digest), raw)).toBe(true);
  });

  test("not for RSA", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { n = "", e = "" } = publicKey.export({ format: "jwk" });
    const [modulus, exponent] = [n, e].map((text) => new Uint8Array(Buffer.from(text, "base64url")));
    if (modulus === undefined || exponent === undefined) throw new Error("two numbers");
    const s = new Uint8Array(sign("sha512", vector.data, privateKey));
    const digest = new Uint8Array(createHash("sha512").update(vector.data).digest());
    expect(await verifyRaw({ algorithm: "RSA", modulus, exponent }, digest, { algorithm: "RSA", s })).toBe(true);
  });

  test("but for EC, and a failure to load it is not a verdict", async () => {
    const material = { algorithm: "ECDSA", curve: "P-256", point: new Uint8Array(65) } as const;
    const one = Uint8Array.of(1);
    await expect(verifyRaw(material, new Uint8Array(64), { algorithm: "ECDSA", r: one, s: one })).rejects.toThrow();
  });
});
