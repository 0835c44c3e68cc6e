/** EMSA-PSS over a digest that is given, which node:crypto does not offer: it always hashes. RFC 8017 §9.1.1, B.2.1. */
import { createHash, randomBytes } from "node:crypto";
import { concat, u32be } from "@signstar/primitives/bytes";

/**
 * @param bits length of the encoded message: that of the modulus less one
 * @returns undefined if the key is too short for this hash; the salt is as long as the hash
 */
export function encodePss(digest: Uint8Array, hash: string, bits: number): Uint8Array | undefined {
  const length = Math.ceil(bits / 8);
  const saltLength = digest.length;
  if (length < digest.length + saltLength + 2) return undefined;
  const salt = randomBytes(saltLength);
  const hashed = createHash(hash).update(new Uint8Array(8)).update(digest).update(salt).digest();
  const padding = new Uint8Array(length - saltLength - hashed.length - 2);
  const block = concat(padding, Uint8Array.of(1), salt);
  const mask = mgf1(hashed, block.length, hash);
  const masked = block.map((byte, i) => byte ^ (mask[i] ?? 0));
  masked[0] = (masked[0] ?? 0) & (0xff >>> (8 * length - bits));
  return concat(masked, hashed, Uint8Array.of(0xbc));
}

function mgf1(seed: Uint8Array, length: number, hash: string): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 0, total = 0; total < length; counter += 1) {
    const block = createHash(hash).update(seed).update(u32be(counter)).digest();
    blocks.push(block);
    total += block.length;
  }
  return concat(...blocks).subarray(0, length);
}
