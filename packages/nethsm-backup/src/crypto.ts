/** scrypt and AES-256-GCM with the device's parameters. */
import { createCipheriv, createDecipheriv, createHash, scrypt } from "node:crypto";
import { concat, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { sizes } from "./format.ts";

/** N = 2^14, r = 8, p = 16: 16 MiB of memory and about half a second, off the event loop. Gives 32 bytes. */
export function deriveKey(passphrase: Secret, salt: Uint8Array): Promise<Secret> {
  return new Promise((resolve, reject) => {
    passphrase.use((bytes) =>
      scrypt(bytes, salt, 32, { N: 2 ** 14, r: 8, p: 16 }, (error, key) => {
        if (error) reject(error);
        else resolve(Secret.take(key));
      }),
    );
  });
}

/** nonce(12) ‖ ciphertext ‖ tag(16). A nonce must never be used twice under one key. */
export function seal(key: Secret, aad: string, plaintext: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (nonce.length !== sizes.nonce) throw new RangeError(`nonce of ${nonce.length} bytes`);
  return key.use((bytes) => {
    const cipher = createCipheriv("aes-256-gcm", bytes, nonce).setAAD(toUtf8(aad));
    return concat(nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
  });
}

/** The plaintext, or undefined if the box was not sealed with this key and associated data. */
export function open(key: Secret, aad: string, box: Uint8Array): Uint8Array | undefined {
  if (box.length < sizes.nonce + sizes.tag) return undefined;
  const end = box.length - sizes.tag;
  return key.use((bytes) => {
    const decipher = createDecipheriv("aes-256-gcm", bytes, box.subarray(0, sizes.nonce), { authTagLength: sizes.tag });
    decipher.setAAD(toUtf8(aad)).setAuthTag(box.subarray(end));
    const plaintext = decipher.update(box.subarray(sizes.nonce, end));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return new Uint8Array(plaintext);
  });
}

/** The key of one store: SHA-256 of the domain (or device) key and the store's name. */
export function storeKey(key: Secret, name: string): Secret {
  return key.use((bytes) => Secret.take(createHash("sha256").update(bytes).update(name).digest()));
}
