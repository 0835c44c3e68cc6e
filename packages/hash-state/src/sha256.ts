import { sha256 as hash } from "@noble/hashes/sha2.js";

/** SHA-256 of a few bytes, where loading node:crypto would cost far more than hashing them. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash(bytes);
}
