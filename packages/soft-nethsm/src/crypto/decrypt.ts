/** Decryption and encryption in the device's modes. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { DecryptMode } from "@signstar/nethsm/types";
import { concat, leftPad, stripLeadingZeros } from "@signstar/primitives/bytes";
import { Refusal } from "../http.ts";
import { type Material, numberOf } from "./material.ts";
import { rsaPrivate } from "./rsa.ts";

type RsaKey = Extract<Material, { readonly type: "RSA" }>;
const blockLength = 16;
const aesKeyLengths: readonly number[] = [16, 24, 32];

/** Rejects with Refusal 400 when key, mode and input do not fit. */
export async function decrypt(
  key: Material,
  mode: DecryptMode,
  input: Uint8Array,
  iv: Uint8Array | undefined,
): Promise<Uint8Array> {
  switch (key.type) {
    case "RSA":
      if (mode === "AES_CBC") throw new Refusal(400, "Decryption failure");
      return decryptRsa(key, mode, input);
    case "Generic":
      if (mode !== "AES_CBC") throw new Refusal(400, "Generic keys only support AES-CBC decryption.");
      if (iv === undefined) throw new Refusal(400, "AES-CBC decrypt requires IV");
      requireBlocks("Decryption", key.secret, input, iv);
      return cbc(createDecipheriv(algorithm(key.secret), key.secret, iv).setAutoPadding(false), input);
    default:
      throw new Refusal(400, "Decryption only supported for RSA and Generic keys.");
  }
}

/** AES-CBC without padding; a random IV if none is given. Throws Refusal 400. */
export function encrypt(key: Material, message: Uint8Array, given: Uint8Array | undefined) {
  if (key.type !== "Generic") throw new Refusal(400, "Encryption only supported for Generic keys.");
  const iv = given ?? new Uint8Array(randomBytes(blockLength));
  requireBlocks("Encryption", key.secret, message, iv);
  const cipher = createCipheriv(algorithm(key.secret), key.secret, iv).setAutoPadding(false);
  return { encrypted: cbc(cipher, message), iv };
}

async function decryptRsa(key: RsaKey, mode: Exclude<DecryptMode, "AES_CBC">, input: Uint8Array): Promise<Uint8Array> {
  const failure = new Refusal(400, "Decryption failure");
  if (mode === "RAW") {
    const number = stripLeadingZeros(input);
    if (number.length > key.size || numberOf(number) < 2n) throw failure;
    return rawRsa(key, leftPad(number, key.size), failure);
  }
  if (input.length !== key.size) throw failure;
  if (mode === "PKCS1") return withoutPadding(await rawRsa(key, input, failure), failure);
  const hash = mode.slice("OAEP_".length).toLowerCase();
  try {
    return await rsaPrivate(key, { kind: "decrypt-oaep", hash }, input);
  } catch {
    throw failure;
  }
}

/** OpenSSL refuses numbers that are not below the modulus. */
async function rawRsa(key: RsaKey, input: Uint8Array, failure: Refusal): Promise<Uint8Array> {
  try {
    return await rsaPrivate(key, { kind: "raw" }, input);
  } catch {
    throw failure;
  }
}

/**
 * EME-PKCS1-v1_5 (RFC 8017 §7.2.2). Done here because OpenSSL answers bad padding with random bytes, while the device
 * answers with an error (and is the oracle that this is).
 */
function withoutPadding(block: Uint8Array, failure: Refusal): Uint8Array {
  const end = block.indexOf(0, 2);
  if (block[0] !== 0 || block[1] !== 2 || end < 10) throw failure;
  return block.slice(end + 1);
}

function requireBlocks(what: string, key: Uint8Array, input: Uint8Array, iv: Uint8Array): void {
  if (!aesKeyLengths.includes(key.length)) throw new Refusal(400, `${what} failed: invalid key length`);
  if (iv.length !== blockLength) throw new Refusal(400, `${what} failed: IV must be 16 bytes`);
  if (input.length % blockLength !== 0) throw new Refusal(400, `${what} failed: input is not a multiple of 16 bytes`);
}

function algorithm(key: Uint8Array): string {
  return `aes-${key.length * 8}-cbc`;
}

function cbc(cipher: ReturnType<typeof createCipheriv> | ReturnType<typeof createDecipheriv>, input: Uint8Array) {
  return concat(cipher.update(input), cipher.final());
}
