import { constants, generateKeyPairSync, publicEncrypt, verify } from "node:crypto";
import { expect, test } from "vitest";
import { keyPairOf } from "./material.ts";
import { rsaPrivate } from "./rsa.ts";

/** SHA-256 of "abc" as DigestInfo (RFC 8017 §9.2). */
const digestInfo = Buffer.from(
  "3031300d060960864801650304020105000420ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  "hex",
);

function rsa(bits: number) {
  const key = keyPairOf(generateKeyPairSync("rsa", { modulusLength: bits }).privateKey);
  if (key.type !== "RSA") throw new TypeError(key.type);
  return key;
}

test.each([1024, 3072])("%d bits: signs, decrypts, and refuses what is no number below the modulus", async (bits) => {
  const key = rsa(bits);
  const signature = await rsaPrivate(key, { kind: "sign-pkcs1" }, digestInfo);
  expect(verify("sha256", Buffer.from("abc"), key.publicKey, signature)).toBe(true);
  const options = { key: key.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  const sealed = new Uint8Array(publicEncrypt(options, Buffer.from("abc")));
  const opened = await rsaPrivate(key, { kind: "decrypt-oaep", hash: "sha256" }, sealed);
  expect(Buffer.from(opened).toString()).toBe("abc");
  await expect(rsaPrivate(key, { kind: "raw" }, new Uint8Array(key.size).fill(255))).rejects.toThrow();
});

test("many long ones at a time, while the event loop goes on", async () => {
  const key = rsa(3072);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const all = await Promise.all(Array.from({ length: 40 }, () => rsaPrivate(key, { kind: "sign-pkcs1" }, digestInfo)));
  clearInterval(timer);
  expect(new Set(all.map((signature) => Buffer.from(signature).toString("hex"))).size).toBe(1);
  expect(turns).toBeGreaterThan(3);
});
