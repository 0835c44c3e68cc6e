import { finishSha512, resumeSha512 } from "@signstar/hash-state/resume";
import type { Sha512State } from "@signstar/hash-state/sha512-state";
import type { Certificate } from "@signstar/openpgp/certificate";
import { type ParsedSignature, parseSignature, SignatureType } from "@signstar/openpgp/signature";
import { equal } from "@signstar/primitives/bytes";
import { SigningError } from "./error.ts";
import { nameOf, requireUsable } from "./trust.ts";
import { verifyRaw } from "./verify.ts";

/**
 * Checks a binary detached signature over the file whose unfinished hash is `state`: made by the certificate's key,
 * over this file, at a time when the certificate allowed it. Returns what the signature says. Throws SigningError
 * (`check-…`, `certificate-…`), OpenPgpError if the packet cannot be read.
 */
export async function checkDetached(input: {
  readonly packet: Uint8Array;
  readonly certificate: Certificate;
  readonly state: Sha512State;
}): Promise<ParsedSignature> {
  const { certificate, state } = input;
  const signature = parseSignature(input.packet);
  requireKind(signature);
  requireIssuer(signature, certificate);
  if (signature.dataDigest !== undefined && !equal(signature.dataDigest, finishSha512(state))) {
    throw new SigningError("check-data", "the signature is over another file");
  }
  const digest = signature.digestWith(resumeSha512(state));
  const matches = equal(digest.subarray(0, 2), signature.left16);
  if (!matches || !(await verifyRaw(certificate.key.material, digest, signature.raw))) {
    throw new SigningError(
      "check-signature",
      `the signature is not one of certificate ${nameOf(certificate)} over this file`,
    );
  }
  await requireUsable(certificate, signature.creationTime);
  return signature;
}

function requireKind({ type, hash, hasUnknownCritical, expiresAfter }: ParsedSignature): void {
  if (type === SignatureType.binary && hash === "sha512" && !hasUnknownCritical && expiresAfter === undefined) return;
  throw new SigningError("check-kind", "the signature is not a plain one over a binary file with SHA-512");
}

/** Both names of a key may be there; each that is must be this one's. */
function requireIssuer({ issuerFingerprint, issuerKeyId }: ParsedSignature, certificate: Certificate): void {
  const { fingerprint, keyId } = certificate.key;
  const isOther =
    (issuerFingerprint !== undefined && !equal(issuerFingerprint, fingerprint)) ||
    (issuerKeyId !== undefined && !equal(issuerKeyId, keyId));
  if (isOther)
    throw new SigningError("check-issuer", `the signature is not by the key of certificate ${nameOf(certificate)}`);
}
