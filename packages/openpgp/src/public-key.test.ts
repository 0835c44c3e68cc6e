import { concat, fromBase64, fromHex, toHex, u32be } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenPgpError } from "./error.ts";
import { type KeyMaterial, makePublicKey, parsePublicKey, sameMaterial } from "./public-key.ts";
import { keyKinds, makeTestKey } from "./testing/keys.ts";
import { vector } from "./testing/vector.ts";

const time = 0x67000000;
const point = fromHex("c561fa9f643fe5c60113cce9db282fde2b9e5ca5fc6b6fc0d1679bb339c9f72f");
const ed25519: KeyMaterial = { algorithm: "EdDSALegacy", point };
const modulus = new Uint8Array(256).fill(0xff);
const exponent = fromHex("010001");

describe("public keys", () => {
  test("the known key has the known fingerprint", () => {
    const key = makePublicKey(ed25519, vector.keyCreationTime);
    expect(toHex(key.fingerprint)).toBe(vector.fingerprint);
    expect(toHex(key.keyId)).toBe(vector.fingerprint.slice(-16));
  });

  test.each(keyKinds)("%s: parsing gives back what was made", (kind) => {
    const { key } = makeTestKey(kind, time);
    const parsed = parsePublicKey(key.body);
    expect(parsed).toEqual(key);
    expect(sameMaterial(parsed.material, key.material)).toBe(true);
    expect(sameMaterial(parsed.material, makeTestKey(kind, time).key.material)).toBe(false);
  });

  test("a P-256 key as a NetHSM gives it", () => {
    const data = fromBase64("BN5q7GCR8w1RtXdMBR1IcIaCqbbn92vM5LItTcRbdXo5RfDwhnKK6D8tjWakqXbWY9eKelkCtALtD/hoU44WuYU=");
    const { body } = makePublicKey({ algorithm: "ECDSA", curve: "P-256", point: data }, time);
    expect(toHex(body.subarray(0, 17))).toBe("0467000000" + "13" + "08" + "2a8648ce3d030107" + "0203");
  });

  test("a modulus may come with leading zeros", () => {
    const padded = concat(new Uint8Array(3), modulus);
    const [a, b] = [modulus, padded].map((each) => makePublicKey({ algorithm: "RSA", modulus: each, exponent }, time));
    expect(a?.body).toEqual(b?.body);
  });

  test("a key is compared with any numbers, also such as no key has", () => {
    const rsa = (n: Uint8Array): KeyMaterial => ({ algorithm: "RSA", modulus: n, exponent });
    expect(sameMaterial(rsa(modulus), rsa(concat(new Uint8Array(3), modulus)))).toBe(true);
    for (const odd of [new Uint8Array(0), new Uint8Array(2), new Uint8Array(3000).fill(255)]) {
      expect(sameMaterial(rsa(modulus), rsa(odd))).toBe(false);
    }
    expect(sameMaterial(ed25519, { algorithm: "ECDSA", curve: "P-256", point })).toBe(false);
    expect(sameMaterial(ed25519, { ...ed25519, point: new Uint8Array(0) })).toBe(false);
  });

  test.each<[string, KeyMaterial, string]>([
    ["an Ed25519 point of 31 bytes", { algorithm: "EdDSALegacy", point: point.subarray(1) }, "malformed"],
    ["a compressed point", { algorithm: "ECDSA", curve: "P-256", point: new Uint8Array(33).fill(2) }, "malformed"],
    [
      "a point of another curve",
      { algorithm: "ECDSA", curve: "P-384", point: new Uint8Array(65).fill(4) },
      "malformed",
    ],
    ["RSA-1024", { algorithm: "RSA", modulus: modulus.subarray(128), exponent }, "unsupported"],
    ["RSA-16384", { algorithm: "RSA", modulus: new Uint8Array(2048).fill(255), exponent }, "unsupported"],
    ["an even modulus", { algorithm: "RSA", modulus: new Uint8Array(256).fill(0xfe), exponent }, "malformed"],
    ["exponent 1", { algorithm: "RSA", modulus, exponent: Uint8Array.of(1) }, "malformed"],
    ["exponent 4", { algorithm: "RSA", modulus, exponent: Uint8Array.of(4) }, "malformed"],
    ["exponent of 65 bits", { algorithm: "RSA", modulus, exponent: fromHex("010000000000000001") }, "unsupported"],
  ])("refused: %s", (_, material, code) => {
    expect(() => makePublicKey(material, time)).toThrow(expect.objectContaining({ code }));
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN])("refused: creation time %d", (creationTime) => {
    expect(() => makePublicKey(ed25519, creationTime)).toThrow(OpenPgpError);
  });

  const body = makePublicKey(ed25519, time).body;
  test.each([
    ["version 6", concat(Uint8Array.of(6), body.subarray(1)), "unsupported"],
    ["DSA", concat(Uint8Array.of(4), u32be(time), Uint8Array.of(17)), "unsupported"],
    ["Ed25519 of version 6", concat(Uint8Array.of(4), u32be(time), Uint8Array.of(27), point), "unsupported"],
    ["Ed25519's curve under ECDSA", body.with(5, 19), "unsupported"],
    ["an unknown curve", body.with(7, 0x2c), "unsupported"],
    ["a point without 40", body.with(18, 0x41), "malformed"],
    ["bytes after it", concat(body, Uint8Array.of(0)), "malformed"],
    ["nothing", new Uint8Array(0), "truncated"],
    ["half of it", body.subarray(0, 30), "truncated"],
  ])("cannot be read: %s", (_, bytes, code) => {
    expect(() => parsePublicKey(bytes)).toThrow(expect.objectContaining({ code }));
  });

  test("a body has one spelling, and damaged ones throw nothing else", () => {
    const bodies = keyKinds.map((kind) => makeTestKey(kind, time).key.body);
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.nat(200), fc.integer({ min: 0, max: 255 }), (whole, at, byte) => {
        const damaged = whole.with(at % whole.length, byte);
        try {
          expect(parsePublicKey(damaged).body).toEqual(damaged);
        } catch (error) {
          if (!(error instanceof OpenPgpError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
