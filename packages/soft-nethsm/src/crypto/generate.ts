/** New keys, made in the thread pool so that other requests are answered meanwhile. */
import { generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { KeyType } from "@signstar/nethsm/types";
import { Refusal } from "../http.ts";
import { curves } from "./curves.ts";
import { type KeyPair, keyPairOf } from "./material.ts";

const generate = promisify(generateKeyPair);

/** `length` is the modulus in bits. Throws Refusal. */
export async function generateRsa(length: number | undefined, what: string): Promise<KeyPair> {
  if (length === undefined || length < 1024 || length > 8192) {
    throw new Refusal(400, `${what} must be between 1024 and 8192.`);
  }
  return pair(await generate("rsa", { modulusLength: length, publicExponent: 65537 }));
}

export async function generateAsymmetric(type: Exclude<KeyType, "Generic" | "RSA">): Promise<KeyPair> {
  if (type === "Curve25519") return pair(await generate("ed25519", {}));
  return pair(await generate("ec", { namedCurve: curves[type].name }));
}

/** `length` in bits, rounded up to bytes. Throws Refusal. */
export function generateGeneric(length: number | undefined): Uint8Array {
  if (length === undefined || length < 128 || length > 8192) {
    throw new Refusal(400, "Length must be between 128 and 8192.");
  }
  return new Uint8Array(randomBytes(Math.ceil(length / 8)));
}

function pair(generated: { privateKey: KeyObject }): KeyPair {
  return keyPairOf(generated.privateKey);
}
