import { concat, fromHex, toHex } from "@signstar/primitives/bytes";
import { derElement, derUint, Tag } from "@signstar/primitives/der";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SigningError } from "./error.ts";
import { materialOf } from "./key-material.ts";
import { nethsmSigner, readAnswer } from "./raw-signer.ts";
import { keyKinds, makeTestKeys } from "./testing/in-process-keys.ts";
import { keyId } from "./testing/setup.ts";

const digest = Uint8Array.from({ length: 64 }, (_, i) => i);
const p256 = { algorithm: "ECDSA", curve: "P-256", point: new Uint8Array(65) } as const;
const order = fromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

describe("what is sent", () => {
  test.each([
    ["Curve25519", "EdDSA", toHex(digest)],
    ["EC_P256", "ECDSA", toHex(digest.subarray(0, 32))],
    ["EC_P384", "ECDSA", toHex(digest.subarray(0, 48))],
    ["EC_P521", "ECDSA", toHex(digest)],
    ["RSA-2048", "PKCS1", `3051300d060960864801650304020305000440${toHex(digest)}`],
  ] as const)("%s: mode %s", async (kind, mode, message) => {
    const keys = makeTestKeys(kind);
    await nethsmSigner(keys, keyId, materialOf(keys.publicKey)).sign(digest);
    expect(keys.calls).toEqual([{ id: keyId, mode, message: fromHex(message) }]);
  });

  test("a device that adds the DigestInfo gets the bare digest", async () => {
    const keys = makeTestKeys("RSA-2048");
    await nethsmSigner(keys, keyId, materialOf(keys.publicKey), { deviceAddsDigestInfo: true }).sign(digest);
    expect(keys.calls).toEqual([{ id: keyId, mode: "PKCS1", message: digest }]);
  });

  test("nothing but a SHA-512 is sent", () => {
    const keys = makeTestKeys("Curve25519");
    const signer = nethsmSigner(keys, keyId, materialOf(keys.publicKey));
    expect(() => signer.sign(digest.subarray(1))).toThrow(RangeError);
    expect(keys.calls).toEqual([]);
  });
});

describe("what comes back", () => {
  const der = (r: Uint8Array, s: Uint8Array) => derElement(Tag.sequence, derUint(r), derUint(s));

  test("ECDSA numbers up to the order", () => {
    const largest = order.with(31, 0x50);
    expect(readAnswer(p256, der(Uint8Array.of(1), largest))).toEqual({
      algorithm: "ECDSA",
      r: Uint8Array.of(1),
      s: largest,
    });
  });

  const one = Uint8Array.of(1);
  test.each([
    ["r is zero", der(Uint8Array.of(0), one)],
    ["s is zero", der(one, Uint8Array.of(0))],
    ["r is the order", der(order, one)],
    ["s is larger than the order", der(one, new Uint8Array(32).fill(255))],
    ["r is negative", fromHex("3006020180020101")],
    ["r is not minimal", fromHex("300702020001020101")],
    ["bytes after it", concat(der(one, one), one)],
    ["a third number", derElement(Tag.sequence, derUint(one), derUint(one), derUint(one))],
    ["the two numbers without frame", new Uint8Array(64).fill(1)],
    ["nothing", new Uint8Array(0)],
  ])("refused for ECDSA: %s", (_, answer) => {
    expect(() => readAnswer(p256, answer)).toThrow(expect.objectContaining({ code: "bad-answer", exit: 76 }));
  });

  test.each([63, 65, 0])("refused for EdDSA: %i bytes", (length) => {
    const ed25519 = { algorithm: "EdDSALegacy", point: new Uint8Array(32) } as const;
    expect(() => readAnswer(ed25519, new Uint8Array(length))).toThrow(SigningError);
  });

  test.each([255, 257, 0])("refused for RSA-2048: %i bytes", (length) => {
    const rsa = { algorithm: "RSA", modulus: new Uint8Array(257).fill(255, 1), exponent: one } as const;
    expect(() => readAnswer(rsa, new Uint8Array(length))).toThrow(SigningError);
    expect(readAnswer(rsa, new Uint8Array(256))).toMatchObject({ algorithm: "RSA" });
  });

  test("any bytes are read or refused", () => {
    const materials = keyKinds.slice(0, 4).map((kind) => materialOf(makeTestKeys(kind).publicKey));
    fc.assert(
      fc.property(fc.constantFrom(...materials), fc.uint8Array({ maxLength: 80 }), (material, answer) => {
        try {
          readAnswer(material, answer);
        } catch (error) {
          expect(error).toBeInstanceOf(SigningError);
        }
      }),
    );
  });
});
