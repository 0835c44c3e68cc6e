import { constants, createHash, createPublicKey, publicDecrypt, publicEncrypt, verify } from "node:crypto";
import { schnorr } from "@noble/curves/secp256k1.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "../testing.ts";

const admin = login(testUsers.admin);
const operator = login(testUsers.operator);
const data = Buffer.from("what is signed");
const digestOf = (hash: string) => createHash(hash).update(data).digest();

async function makeKey(hsm: ProvisionedSoftNethsm, id: string, type: string, mechanisms: string[], length?: number) {
  const json = { id, type, mechanisms, ...(length === undefined ? {} : { length }) };
  const answer = await hsm.request("POST", "/keys/generate", { user: admin, json });
  expect([answer.status, answer.text]).toEqual([201, JSON.stringify({ id })]);
}

async function publicKey(hsm: ProvisionedSoftNethsm, id: string) {
  return createPublicKey((await hsm.request("GET", `/keys/${id}/public.pem`, { user: admin })).text);
}

function use(hsm: ProvisionedSoftNethsm, id: string, what: string, json: object) {
  return hsm.request("POST", `/keys/${id}/${what}`, { user: operator, json });
}

async function sign(hsm: ProvisionedSoftNethsm, id: string, mode: string, message: Uint8Array): Promise<Buffer> {
  const answer = await use(hsm, id, "sign", { mode, message: Buffer.from(message).toString("base64") });
  expect([answer.status, answer.text]).toEqual([200, expect.stringMatching(/^\{"signature":"[A-Za-z0-9+/]+=*"\}$/)]);
  return Buffer.from((answer.json() as { signature: string }).signature, "base64");
}

describe("release 5.0", () => {
  let hsm: ProvisionedSoftNethsm;
  beforeAll(async () => {
    hsm = await provisioned();
    const modes = ["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"].map((hash) => `RSA_Signature_PSS_${hash}`);
    // 2049 bits: the encoded message is a byte shorter than the modulus.
    await makeKey(hsm, "rsa", "RSA", ["RSA_Signature_PKCS1", ...modes], 2049);
    await makeKey(hsm, "small", "RSA", ["RSA_Signature_PSS_SHA512", "RSA_Signature_PKCS1"], 1024);
  });
  afterAll(() => hsm.close());

  test.each([
    ["EC_P256", "sha256"],
    ["EC_P384", "sha384"],
    ["EC_P521", "sha512"],
    ["EC_P256K1", "sha256"],
    ["BrainpoolP256", "sha256"],
    ["BrainpoolP384", "sha384"],
    ["BrainpoolP512", "sha512"],
  ])("ECDSA with %s signs a digest of exactly one length, never the same way twice", async (type, hash) => {
    await makeKey(hsm, type, type, ["ECDSA_Signature"]);
    const first = await sign(hsm, type, "ECDSA", digestOf(hash));
    expect(verify(hash, data, await publicKey(hsm, type), first)).toBe(true);
    expect(first.equals(await sign(hsm, type, "ECDSA", digestOf(hash)))).toBe(false);
    const message = Buffer.from("short").toString("base64");
    expect((await use(hsm, type, "sign", { mode: "ECDSA", message })).json()).toEqual({
      message: "digested data of invalid size",
    });
  });

  test("EdDSA signs the data itself", async () => {
    await makeKey(hsm, "ed", "Curve25519", ["EdDSA_Signature"]);
    expect(verify(null, data, await publicKey(hsm, "ed"), await sign(hsm, "ed", "EdDSA", data))).toBe(true);
  });

  test("BIP-340", async () => {
    await makeKey(hsm, "bip", "EC_P256K1", ["BIP340_Signature"]);
    const key = await publicKey(hsm, "bip");
    const x = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
    expect(schnorr.verify(await sign(hsm, "bip", "BIP340", digestOf("sha256")), digestOf("sha256"), x)).toBe(true);
  });

  test.each(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])("PSS with %s", async (hash) => {
    const signature = await sign(hsm, "rsa", `PSS_${hash.toUpperCase()}`, digestOf(hash));
    const key = {
      key: await publicKey(hsm, "rsa"),
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    };
    expect(verify(hash, data, key, signature)).toBe(true);
  });

  test("a key can be too short for PSS and for PKCS1", async () => {
    const digest = digestOf("sha512").toString("base64");
    expect((await use(hsm, "small", "sign", { mode: "PSS_SHA512", message: digest })).json()).toEqual({
      message: "RSA key of insufficient length",
    });
    const message = Buffer.alloc(118).toString("base64");
    expect((await use(hsm, "small", "sign", { mode: "PKCS1", message })).status).toBe(400);
    expect((await sign(hsm, "small", "PKCS1", Buffer.alloc(117))).length).toBe(128);
  });

  test("PKCS1 pads what it is given and adds nothing", async () => {
    const key = await publicKey(hsm, "rsa");
    expect(publicDecrypt(key, await sign(hsm, "rsa", "PKCS1", data)).equals(data)).toBe(true);
  });

  test("RSA decryption, and what of it fails", async () => {
    const mechanisms = ["RAW", "PKCS1", "OAEP_SHA1", "OAEP_SHA512"].map((mode) => `RSA_Decryption_${mode}`);
    await makeKey(hsm, "dec", "RSA", mechanisms, 2048);
    const key = await publicKey(hsm, "dec");
    const pkcs1 = publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data).toString("base64");
    const oaep = publicEncrypt({ key, oaepHash: "sha512" }, data).toString("base64");
    const answer = { decrypted: data.toString("base64") };
    expect((await use(hsm, "dec", "decrypt", { mode: "PKCS1", encrypted: pkcs1 })).json()).toEqual(answer);
    expect((await use(hsm, "dec", "decrypt", { mode: "OAEP_SHA512", encrypted: oaep })).json()).toEqual(answer);
    const failure = { message: "Decryption failure" };
    expect((await use(hsm, "dec", "decrypt", { mode: "OAEP_SHA1", encrypted: oaep })).json()).toEqual(failure);
    expect((await use(hsm, "dec", "decrypt", { mode: "PKCS1", encrypted: oaep })).json()).toEqual(failure);
    const tooBig = Buffer.alloc(256, 255).toString("base64");
    expect((await use(hsm, "dec", "decrypt", { mode: "RAW", encrypted: tooBig })).json()).toEqual(failure);
    expect((await use(hsm, "dec", "decrypt", { mode: "RAW", encrypted: "AQ==" })).json()).toEqual(failure);
    expect((await use(hsm, "dec", "decrypt", { mode: "RAW", encrypted: "Ag==" })).status).toBe(200);
  });

  test("AES-CBC takes whole blocks and keys of an AES length", async () => {
    await makeKey(hsm, "aes", "Generic", ["AES_Encryption_CBC", "AES_Decryption_CBC"], 192);
    await makeKey(hsm, "odd", "Generic", ["AES_Encryption_CBC"], 136);
    const block = Buffer.alloc(32, 7).toString("base64");
    const answer = (await use(hsm, "aes", "encrypt", { mode: "AES_CBC", message: block })).json() as Record<
      string,
      string
    >;
    const json = { mode: "AES_CBC", encrypted: answer["encrypted"], iv: answer["iv"] };
    expect((await use(hsm, "aes", "decrypt", json)).json()).toEqual({ decrypted: block });
    for (const [id, message, iv] of [
      ["aes", "YWJj", undefined],
      ["aes", block, "YWJj"],
      ["odd", block, undefined],
    ]) {
      expect((await use(hsm, `${id}`, "encrypt", { mode: "AES_CBC", message, iv })).status).toBe(400);
    }
    const without = await use(hsm, "aes", "decrypt", { mode: "AES_CBC", encrypted: answer["encrypted"] });
    expect(without.json()).toEqual({ message: "AES-CBC decrypt requires IV" });
  });

  test("the tag counts before the data, the data before the mechanism", async () => {
    await hsm.request("PUT", "/keys/rsa/restrictions/tags/x", { user: admin });
    expect((await use(hsm, "rsa", "sign", { mode: "EdDSA", message: "???" })).status).toBe(403);
    await hsm.request("DELETE", "/keys/rsa/restrictions/tags/x", { user: admin });
    expect((await use(hsm, "rsa", "sign", { mode: "EdDSA", message: "???" })).text).toContain("base64");
    expect((await use(hsm, "rsa", "sign", { mode: "EdDSA", message: "YWJj" })).json()).toEqual({
      message: "Key mechanisms do not allow requested signing.",
    });
  });

  test("random bytes, 1 to 1024", async () => {
    for (const [length, status] of [
      [0, 400],
      [1, 200],
      [1024, 200],
      [1025, 400],
    ]) {
      expect((await hsm.request("POST", "/random", { user: operator, json: { length } })).status).toBe(status);
    }
  });

  test("metrics count what was done, as text", async () => {
    const answer = await hsm.request("GET", "/metrics", { user: login(testUsers.metrics) });
    expect(answer.json()).toMatchObject({
      uptime: expect.stringMatching(/^\d+$/),
      sign: expect.stringMatching(/^\d+$/),
    });
  });
});

test("release 2.2 signs deterministically (RFC 6979), knows P-224 and not the newer curves", async () => {
  const hsm = await provisioned({ release: "2.2" });
  try {
    await makeKey(hsm, "p224", "EC_P224", ["ECDSA_Signature"]);
    const first = await sign(hsm, "p224", "ECDSA", digestOf("sha224"));
    expect(verify("sha224", data, await publicKey(hsm, "p224"), first)).toBe(true);
    expect(first.equals(await sign(hsm, "p224", "ECDSA", digestOf("sha224")))).toBe(true);
    const json = { type: "EC_P256K1", mechanisms: ["ECDSA_Signature"] };
    expect((await hsm.request("POST", "/keys/generate", { user: admin, json })).status).toBe(400);
  } finally {
    await hsm.close();
  }
});

test("release 3.0 adds the DigestInfo in mode PKCS1", async () => {
  const hsm = await provisioned({ release: "3.0" });
  try {
    await makeKey(hsm, "rsa", "RSA", ["RSA_Signature_PKCS1"], 1024);
    for (const hash of ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]) {
      const signature = await sign(hsm, "rsa", "PKCS1", digestOf(hash));
      expect(verify(hash, data, await publicKey(hsm, "rsa"), signature), hash).toBe(true);
    }
    expect((await use(hsm, "rsa", "sign", { mode: "PKCS1", message: "YWJj" })).status).toBe(400);
  } finally {
    await hsm.close();
  }
});
