import { type Certificate, prepareCertificate, readCertificate } from "@signstar/openpgp/certificate";
import { makePublicKey } from "@signstar/openpgp/public-key";
import { freshHasher } from "./hasher.ts";
import type { RawSigner } from "./raw-signer.ts";
import { signDigest } from "./sign-digest.ts";

/**
 * A certificate for the signer's key, created at `creationTime` (seconds), with one user id; it certifies and signs
 * unless `flags` say otherwise, and does not expire. The same key and time give the same fingerprint again. `signedAt`
 * is the time of the self-signature, if not the key's: of several, readers take the newest. One call of the HSM, whose
 * answer is verified. Throws SigningError, OpenPgpError for a key or user id that cannot be.
 */
export async function makeCertificate(input: {
  readonly signer: RawSigner;
  readonly userId: string;
  readonly creationTime: number;
  readonly signedAt?: number;
  /** As in RFC 9580 §5.2.3.29; absent: certify and sign. */
  readonly flags?: number;
}): Promise<{ readonly bytes: Uint8Array; readonly certificate: Certificate }> {
  const { signer, creationTime, signedAt = creationTime, ...named } = input;
  const key = makePublicKey(signer.key, creationTime);
  const unfinished = prepareCertificate({ ...named, key, creationTime: signedAt, hashed: freshHasher("sha512") });
  const certificate = readCertificate(unfinished.finish(await signDigest(signer, unfinished.digest)));
  return { bytes: certificate.bytes, certificate };
}
