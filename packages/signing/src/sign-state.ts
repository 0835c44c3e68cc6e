import { finishSha512, resumeSha512 } from "@signstar/hash-state/resume";
import type { Sha512State } from "@signstar/hash-state/sha512-state";
import { armor } from "@signstar/openpgp/armor";
import type { Certificate } from "@signstar/openpgp/certificate";
import { prepareDetachedSignature } from "@signstar/openpgp/signature";
import type { RawSigner } from "./raw-signer.ts";
import { signDigest } from "./sign-digest.ts";
import { requireSameKey, requireUsable } from "./trust.ts";

export interface StateSignature {
  /** Binary. */
  readonly packet: Uint8Array;
  readonly armored: string;
  /** SHA-512 of the file, 64 bytes. */
  readonly dataDigest: Uint8Array;
}

/**
 * The OpenPGP signature over the file whose unfinished hash is `state`, made at `now` (seconds) with one call of the
 * HSM. The certificate is checked before, the HSM's answer after; what does not hold throws SigningError, what the
 * HSM's client throws passes through.
 */
export async function signState(input: {
  readonly state: Sha512State;
  readonly certificate: Certificate;
  readonly signer: RawSigner;
  readonly now: number;
}): Promise<StateSignature> {
  const { state, certificate, signer, now } = input;
  requireSameKey(certificate, signer.key);
  await requireUsable(certificate, now);
  const dataDigest = finishSha512(state);
  const unfinished = prepareDetachedSignature({
    key: certificate.key,
    creationTime: now,
    dataDigest,
    hasher: resumeSha512(state),
  });
  const raw = await signDigest(signer, unfinished.digest);
  // The only place where a verified signature exists that has not left: what must happen before it may, belongs here.
  const packet = unfinished.finish(raw);
  return { packet, armored: armor("PGP SIGNATURE", packet), dataDigest };
}
