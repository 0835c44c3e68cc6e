/** Whether a certificate may sign at a given time. The signatures themselves are verified elsewhere. */
import type { Certificate, KeySignature, UserId } from "./certificate.ts";
import { KeyFlag } from "./subpacket.ts";

export type Usability =
  | { readonly usable: true }
  | {
      readonly usable: false;
      readonly reason:
        | "created-in-future"
        | "revoked"
        | "no-valid-self-signature"
        | "expired"
        /** There are no flags at all, or none is set: some versions of the original made such certificates. */
        | "without-key-flags"
        /** There are flags, and signing is not among them. */
        | "not-for-signing";
    };

/** RFC 9580 §5.2.3.31: a key that was replaced or retired was good before; any other reason reaches back. */
const softReasons: ReadonlySet<number> = new Set([1, 3]);

/**
 * `at` in seconds. `isValid` says whether a signature verified; others count for nothing, so nobody can revoke or
 * extend a key by adding packets to its certificate.
 */
export function usability(
  certificate: Certificate,
  at: number,
  isValid: (signature: KeySignature) => boolean,
): Usability {
  const { key } = certificate;
  if (key.creationTime > at) return { usable: false, reason: "created-in-future" };
  const counts = ({ signature }: KeySignature) => !signature.hasUnknownCritical;
  const revoked = certificate.revocations.some((each) => counts(each) && isValid(each) && reaches(each, at));
  if (revoked) return { usable: false, reason: "revoked" };

  const current = (each: KeySignature) => counts(each) && isLive(each, at) && isValid(each);
  const binding = newest(primaryBindings(certificate.userIds, current, at, isValid));
  const direct = newest(certificate.directSignatures.filter(current));
  if (binding === undefined) return { usable: false, reason: "no-valid-self-signature" };

  const expiresAfter = binding.signature.keyExpiresAfter ?? direct?.signature.keyExpiresAfter;
  if (expiresAfter !== undefined && key.creationTime + expiresAfter <= at) return { usable: false, reason: "expired" };
  const flags = binding.signature.keyFlags ?? direct?.signature.keyFlags ?? 0;
  if (flags === 0) return { usable: false, reason: "without-key-flags" };
  if ((flags & KeyFlag.sign) === 0) return { usable: false, reason: "not-for-signing" };
  return { usable: true };
}

/** The newest self-signature of each user id that is not revoked; only of primary ones, if there are such. */
function primaryBindings(
  userIds: readonly UserId[],
  current: (signature: KeySignature) => boolean,
  at: number,
  isValid: (signature: KeySignature) => boolean,
): readonly KeySignature[] {
  const bindings = userIds.flatMap((userId) => {
    const binding = newest(userId.certifications.filter(current));
    if (binding === undefined) return [];
    const revoked = userId.revocations.some(
      ({ signature, covered }) =>
        signature.creationTime >= binding.signature.creationTime &&
        signature.creationTime <= at &&
        isValid({ signature, covered }),
    );
    return revoked ? [] : [binding];
  });
  const primary = bindings.filter(({ signature }) => signature.isPrimaryUserId);
  return primary.length > 0 ? primary : bindings;
}

function newest(signatures: readonly KeySignature[]): KeySignature | undefined {
  return signatures.reduce<KeySignature | undefined>(
    (best, each) => (best !== undefined && best.signature.creationTime >= each.signature.creationTime ? best : each),
    undefined,
  );
}

function reaches({ signature }: KeySignature, at: number): boolean {
  const isSoft = signature.revocationReason !== undefined && softReasons.has(signature.revocationReason);
  return !isSoft || signature.creationTime <= at;
}

function isLive({ signature: { creationTime, expiresAfter } }: KeySignature, at: number): boolean {
  return creationTime <= at && (expiresAfter === undefined || at < creationTime + expiresAfter);
}
