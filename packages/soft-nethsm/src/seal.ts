/** How records are encrypted, as on the device: AES-256-GCM under keys that hang from the domain key or the device key. */
import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from "node:crypto";
import { concat, toUtf8 } from "@signstar/primitives/bytes";

const nonceLength = 12;
const tagLength = 16;
export const saltLength = 16;
export const keyLength = 32;

export class UnsealError extends Error {
  override readonly name = "UnsealError";
}

/** nonce (12) ∥ ciphertext ∥ tag (16); `aad` is ASCII. */
export function seal(key: Uint8Array, aad: string, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(toUtf8(aad));
  return concat(nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

/** The inverse of `seal`; throws UnsealError when key, `aad` or bytes are not those that were sealed. */
export function unseal(key: Uint8Array, aad: string, sealed: Uint8Array): Uint8Array {
  if (sealed.length < nonceLength + tagLength) throw new UnsealError("sealed data is too short");
  const body = sealed.subarray(nonceLength, sealed.length - tagLength);
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceLength), { authTagLength: tagLength });
  decipher.setAAD(toUtf8(aad)).setAuthTag(sealed.subarray(sealed.length - tagLength));
  try {
    return concat(decipher.update(body), decipher.final());
  } catch (cause) {
    throw new UnsealError("authentication failed", { cause });
  }
}

/** The key of a passphrase: scrypt, N = 16384, r = 8, p = 16, 32 bytes. */
export function passphraseKey(passphrase: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, keyLength, { N: 16384, r: 8, p: 16 }, (error, key) => {
      if (error) reject(error);
      else resolve(new Uint8Array(key));
    });
  });
}

export type StoreName = "auth_store" | "key_store" | "namespace_store" | "config_store" | "early_config_store";

/** The key of one store: from the domain key, or for `early_config_store` from the device key. */
export function storeKey(master: Uint8Array, name: StoreName): Uint8Array {
  return new Uint8Array(createHash("sha256").update(master).update(name).digest());
}
