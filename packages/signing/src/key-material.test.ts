import { fromBase64 } from "@signstar/primitives/bytes";
import { describe, expect, test } from "vitest";
import { materialOf } from "./key-material.ts";

const data = fromBase64("/ODoaDzX9xDjpx2LfR0DCIgdxqOndY9tukEFLVCObQo=");

describe("key material of a NetHSM key", () => {
  test("by type", () => {
    expect(materialOf({ type: "Curve25519", data })).toEqual({ algorithm: "EdDSALegacy", point: data });
    expect(materialOf({ type: "EC_P521", data })).toEqual({ algorithm: "ECDSA", curve: "P-521", point: data });
    const [modulus, publicExponent] = [data, Uint8Array.of(1, 0, 1)];
    expect(materialOf({ type: "RSA", modulus, publicExponent })).toEqual({
      algorithm: "RSA",
      modulus,
      exponent: publicExponent,
    });
  });

  test.each(["EC_P224", "EC_P256K1", "BrainpoolP256", "BrainpoolP384", "BrainpoolP512"] as const)("not %s", (type) => {
    expect(() => materialOf({ type, data })).toThrow(expect.objectContaining({ code: "unsupported-key" }));
  });

  test("not Generic, which has no public part", () => {
    expect(() => materialOf(undefined)).toThrow("a key of type Generic makes no OpenPGP signatures");
  });
});
