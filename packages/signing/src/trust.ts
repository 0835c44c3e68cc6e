/** Whether a certificate is the right one: of this key, signed by itself, and allowed to sign at that time. */

import type { Certificate, KeySignature } from "@signstar/openpgp/certificate";
import { type KeyMaterial, sameMaterial } from "@signstar/openpgp/public-key";
import { type ParsedSignature, SignatureType } from "@signstar/openpgp/signature";
import { usability } from "@signstar/openpgp/usability";
import { equal, toHex } from "@signstar/primitives/bytes";
import { SigningError, type UnusableReason } from "./error.ts";
import { freshHasher } from "./hasher.ts";
import { verifyRaw } from "./verify.ts";

const replace = "let signstar-configure make a new certificate for this key and hand that to those who verify";

/** How a sentence that begins with the certificate goes on, and what to do. */
const unusable: Readonly<Record<UnusableReason, { readonly says: string; readonly hint: string }>> = {
  "created-in-future": { says: "was created in the future", hint: "set the clock of this machine" },
  revoked: { says: "is revoked", hint: "make a new key and a certificate for it" },
  expired: { says: "is expired", hint: replace },
  "no-valid-self-signature": { says: "has no self-signature that verifies and counts now", hint: replace },
  "without-key-flags": {
    says: "has no key flags, as some programs make them, and gpg would refuse its signatures",
    hint: replace,
  },
  "not-for-signing": { says: "does not allow its key to sign", hint: replace },
};

/**
 * Refuses a certificate that may not sign at `at` (seconds): SigningError `certificate-…`. Its self-signatures and
 * revocations are verified here, once for each certificate object.
 */
export async function requireUsable(certificate: Certificate, at: number): Promise<void> {
  const valid = await validSignatures(certificate);
  const answer = usability(certificate, at, ({ signature }) => valid.has(signature));
  if (answer.usable) return;
  const { says, hint } = unusable[answer.reason];
  throw new SigningError(`certificate-${answer.reason}`, `certificate ${nameOf(certificate)} ${says}`, { hint });
}

/**
 * Refuses a certificate for which a key is not meant: of another key than `material` (`other-key`), not the pinned one
 * (`pinned-fingerprint`; 40 hexadecimal digits of either case), or not usable at `at` (see `requireUsable`).
 */
export async function requireCertificateOf(input: {
  readonly certificate: Certificate;
  readonly material: KeyMaterial;
  readonly at: number;
  readonly pinnedFingerprint?: string | undefined;
}): Promise<void> {
  const { certificate, material, at, pinnedFingerprint } = input;
  if (pinnedFingerprint !== undefined && pinnedFingerprint.toLowerCase() !== nameOf(certificate)) {
    throw new SigningError(
      "pinned-fingerprint",
      `certificate ${nameOf(certificate)} is not the pinned one, ${pinnedFingerprint}`,
    );
  }
  requireSameKey(certificate, material);
  await requireUsable(certificate, at);
}

export function requireSameKey(certificate: Certificate, material: KeyMaterial): void {
  if (sameMaterial(certificate.key.material, material)) return;
  throw new SigningError("other-key", `the HSM's key is not the one of certificate ${nameOf(certificate)}`, {
    hint: "check that every device holds the same keys, and that the certificate was made for this one",
  });
}

/** The fingerprint in lower-case hexadecimal digits. */
export function nameOf(certificate: Certificate): string {
  return toHex(certificate.key.fingerprint);
}

/** A session signs many times with one certificate, and each verification on a curve takes milliseconds. */
const known = new WeakMap<Certificate, Promise<ReadonlySet<ParsedSignature>>>();

async function validSignatures(certificate: Certificate): Promise<ReadonlySet<ParsedSignature>> {
  const earlier = known.get(certificate);
  if (earlier !== undefined) return await earlier;
  const verifying = verifyAll(certificate);
  known.set(certificate, verifying);
  return await verifying;
}

async function verifyAll({
  key,
  userIds,
  directSignatures,
  revocations,
}: Certificate): Promise<ReadonlySet<ParsedSignature>> {
  const valid = new Set<ParsedSignature>();
  const own = [directSignatures, revocations, ...userIds.flatMap((each) => [each.certifications, each.revocations])];
  for (const each of own.flat()) if (await verifies(key.material, each)) valid.add(each.signature);
  return valid;
}

async function verifies(material: KeyMaterial, { signature, covered }: KeySignature): Promise<boolean> {
  // SHA-1 can be collided, which helps to allow something but not to forbid it.
  if (signature.hash === "sha1" && !isRevocation(signature)) return false;
  const hasher = freshHasher(signature.hash);
  hasher.update(covered);
  const digest = signature.digestWith(hasher);
  return equal(digest.subarray(0, 2), signature.left16) && (await verifyRaw(material, digest, signature.raw));
}

function isRevocation({ type }: ParsedSignature): boolean {
  return type === SignatureType.keyRevocation || type === SignatureType.certificationRevocation;
}
