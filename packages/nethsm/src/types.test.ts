import { describe, expect, test } from "vitest";
import { keyMechanisms, keyTypeRules, keyTypes, mechanismOfSignMode, signModes, signModesOf } from "./types.ts";

describe("the table of key types", () => {
  test("uses every mechanism, and each in the device's order", () => {
    const used = new Set(keyTypes.flatMap((type) => keyTypeRules[type].mechanisms));
    expect([...keyMechanisms].filter((mechanism) => !used.has(mechanism))).toEqual([]);
    for (const type of keyTypes) {
      const order = keyTypeRules[type].mechanisms.map((mechanism) => keyMechanisms.indexOf(mechanism));
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  });

  test("gives every sign mode to some type and none to Generic", () => {
    expect(new Set(keyTypes.flatMap(signModesOf))).toEqual(new Set(signModes));
    expect(signModesOf("Generic")).toEqual([]);
    expect(signModesOf("EC_P256K1")).toEqual(["ECDSA", "BIP340"]);
    expect(signModesOf("Curve25519")).toEqual(["EdDSA"]);
    expect(signModesOf("RSA").every((mode) => mechanismOfSignMode[mode].startsWith("RSA_Signature_"))).toBe(true);
  });

  test("asks for a length exactly where one is to be chosen", () => {
    expect(keyTypes.filter((type) => keyTypeRules[type].length !== undefined)).toEqual(["RSA", "Generic"]);
  });

  test("knows that P-521 signs 64 bytes with a scalar of 66", () => {
    expect(keyTypeRules.EC_P521).toMatchObject({ ecdsaDigestBytes: 64, privateBytes: 66, publicBytes: 133 });
  });
});
