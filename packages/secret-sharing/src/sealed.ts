/**
 * A secret that knows whether it is whole: 32 random bytes, SHA-256 of them and the content, the content. The random
 * bytes keep the commitments in a share from confirming a guess at the content.
 */
import { createHash } from "node:crypto";
import { concat, equal } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { SharingError } from "./errors.ts";

const saltBytes = 32;
const digestBytes = 32;

/** `content` stays the caller's, to be wiped by them. */
export function sealContent(content: Uint8Array, random: (length: number) => Uint8Array): Secret {
  const salt = random(saltBytes);
  const sealed = concat(salt, digest(salt, content), content);
  salt.fill(0);
  return Secret.take(sealed);
}

/** The content, the caller's to wipe. Throws SharingError (damaged-secret). */
export function openSealed(secret: Secret): Uint8Array {
  return secret.use((bytes) => {
    const content = bytes.slice(saltBytes + digestBytes);
    const expected = digest(bytes.subarray(0, saltBytes), content);
    // Not secret: whoever has the secret has its digest.
    if (equal(bytes.subarray(saltBytes, saltBytes + digestBytes), expected)) return content;
    content.fill(0);
    throw new SharingError("damaged-secret", "the shares give something that is not the administrators' secret", {
      hint: "one of them was made by another program, or their set was damaged when it was made",
    });
  });
}

function digest(salt: Uint8Array, content: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(salt).update(content).digest());
}
