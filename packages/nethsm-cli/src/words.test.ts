import { keyMechanisms, keyTypes } from "@signstar/nethsm/types";
import { describe, expect, test } from "vitest";
import { decryptModeNames, keyTypeNames, keyTypeOf, mechanismNames, mechanismOf, signatureTypeOf } from "./names.ts";
import { utcTime, Words, wholeNumber } from "./words.ts";

const specs = [
  { name: "ID", description: "", env: "X_ID" },
  { name: "TYPE", description: "", optional: true, choices: ["EcP256", "Rsa"], default: "Rsa" },
  { name: "MORE", description: "", optional: true, variadic: true, env: "X_MORE" },
] as const;

describe("Words", () => {
  test("takes what is given, else the environment, else the default", () => {
    const given = new Words(specs, ["a", "ec-p256", "x", "y"], { X_ID: "e", X_MORE: "z" });
    expect([given.text("ID"), given.text("TYPE"), given.list("MORE")]).toEqual(["a", "EcP256", ["x", "y"]]);
    const less = new Words(specs, [], { X_ID: "e", X_MORE: "z" });
    expect([less.text("ID"), less.text("TYPE"), less.list("MORE")]).toEqual(["e", "Rsa", ["z"]]);
    expect(new Words(specs, [], { X_MORE: "" }).list("MORE")).toEqual([]);
  });

  test("refuses what is missing or not a choice", () => {
    expect(() => new Words(specs, [], {}).text("ID")).toThrow(expect.objectContaining({ exit: 64 }));
    expect(() => new Words(specs, ["a", "Dsa"], {})).toThrow(
      expect.objectContaining({ hint: "it is one of EcP256, Rsa" }),
    );
    expect(() => new Words(specs, [], {}).text("OTHER")).toThrow(TypeError);
  });
});

describe("names", () => {
  test("are those of the original, for all that it has", () => {
    expect(keyTypeNames).toEqual(
      expect.arrayContaining(["Curve25519", "EcP224", "EcP256", "EcP384", "EcP521", "Generic", "Rsa"]),
    );
    const aes = ["AesDecryptionCbc", "AesEncryptionCbc", "EcdsaSignature", "EdDsaSignature"];
    const hashes = ["Md5", "Sha1", "Sha224", "Sha256", "Sha384", "Sha512"];
    const rsa = hashes.flatMap((hash) => [`RsaDecryptionOaep${hash}`, `RsaSignaturePss${hash}`]);
    const plain = ["RsaDecryptionPkcs1", "RsaDecryptionRaw", "RsaSignaturePkcs1"];
    expect(mechanismNames).toEqual(expect.arrayContaining([...aes, ...rsa, ...plain]));
    expect(decryptModeNames).toEqual(["Raw", "Pkcs1", ...hashes.map((hash) => `Oaep${hash}`), "AesCbc"]);
  });

  test("of the device are understood too", () => {
    for (const type of keyTypes) expect(keyTypeOf(type)).toBe(type);
    for (const mechanism of keyMechanisms) expect(mechanismOf(mechanism)).toBe(mechanism);
    expect(signatureTypeOf("ecdsa_p521")).toEqual({ mode: "ECDSA", hash: "sha512" });
  });
});

test.each(["-1", "1.5", "", "1e3", "9999999999999999"])("wholeNumber refuses %j", (word) => {
  expect(() => wholeNumber("X", word)).toThrow(expect.objectContaining({ exit: 64 }));
});

test("utcTime takes UTC and nothing else", () => {
  expect(utcTime("X", "2026-01-02T03:04:05Z").getTime()).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
  expect(utcTime("X", "2026-01-02T03:04:05.5+00:00").getTime()).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 500));
  for (const word of [
    "2026-01-02",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04:05+01:00",
    "2026-13-02T03:04:05Z",
    "now",
  ]) {
    expect(() => utcTime("X", word)).toThrow(expect.objectContaining({ exit: 64 }));
  }
});
