/** How records are encrypted: as on the device, with the primitives that its backups share. */
import { randomBytes } from "node:crypto";
import { deriveKey, open, seal as sealWith } from "@signstar/nethsm-backup/crypto";
import { sizes } from "@signstar/nethsm-backup/format";
import { Secret } from "@signstar/primitives/secret";

export const saltLength = sizes.salt;
export const keyLength = sizes.domainKey;
export const nonceLength = sizes.nonce;

export class UnsealError extends Error {
  override readonly name = "UnsealError";
}

/** nonce (12) ∥ ciphertext ∥ tag (16) under AES-256-GCM with a fresh nonce; `aad` is ASCII. */
export function seal(key: Secret, aad: string, plain: Uint8Array): Uint8Array {
  return sealWith(key, aad, plain, freshBytes(nonceLength));
}

/** The inverse of `seal`; throws UnsealError when key, `aad` or bytes are not those that were sealed. */
export function unseal(key: Secret, aad: string, sealed: Uint8Array): Uint8Array {
  const plain = open(key, aad, sealed);
  if (plain === undefined) throw new UnsealError("authentication failed");
  return plain;
}

/** The key of a passphrase; scrypt runs in the thread pool. */
export function passphraseKey(passphrase: string, salt: Uint8Array): Promise<Secret> {
  return deriveKey(Secret.fromText(passphrase), salt);
}

/** Unpredictable bytes, as salts, nonces and keys are made of. */
export function freshBytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}
