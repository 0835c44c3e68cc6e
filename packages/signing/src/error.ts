import type { Usability } from "@signstar/openpgp/usability";
import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

export type UnusableReason = Extract<Usability, { readonly usable: false }>["reason"];

export type SigningErrorCode =
  | "unsupported-key" //  a key that cannot make OpenPGP signatures
  | "bad-answer" //       what the HSM sent is no signature of its kind
  | "bad-signature" //    it is one, but does not verify
  | "other-key" //        the device, or the signer, holds another key than the certificate: try another device
  | "pinned-fingerprint" // the certificate is not the pinned one
  | `certificate-${UnusableReason}`
  | "check-kind" //       a checked signature is not a plain one over a binary file
  | "check-issuer" //     … or by another key
  | "check-data" //       … or over another file
  | "check-signature"; // … or does not verify

const exits: Readonly<Partial<Record<SigningErrorCode, Exit>>> = {
  "unsupported-key": Exit.config,
  "pinned-fingerprint": Exit.config,
  "certificate-created-in-future": Exit.config,
  "certificate-revoked": Exit.config,
  "certificate-no-valid-self-signature": Exit.config,
  "certificate-expired": Exit.config,
  "certificate-without-key-flags": Exit.config,
  "certificate-not-for-signing": Exit.config,
};

/** No signature leaves. What the other side did wrong ends 76, what an administrator can mend 78. */
export class SigningError extends Failure<SigningErrorCode> {
  override readonly name = "SigningError";

  constructor(code: SigningErrorCode, message: string, options: FailureOptions = {}) {
    super(code, exits[code] ?? Exit.protocol, message, options);
  }
}
