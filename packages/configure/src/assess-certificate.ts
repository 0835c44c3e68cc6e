import type { PublicKeyData } from "@signstar/nethsm/types";
import { type Certificate, readCertificate } from "@signstar/openpgp/certificate";
import { OpenPgpError } from "@signstar/openpgp/error";
import { SigningError, type SigningErrorCode } from "@signstar/signing/error";
import { materialOf } from "@signstar/signing/key-material";
import { requireCertificateOf } from "@signstar/signing/trust";
import type { CertificateState } from "./actual.ts";
import type { DesiredCertificate } from "./desired.ts";

/** What a new self-signature over the same key mends. */
const mended: ReadonlySet<SigningErrorCode> = new Set<SigningErrorCode>([
  "certificate-no-valid-self-signature",
  "certificate-without-key-flags",
  "certificate-not-for-signing",
]);

/** Whether a certificate, as found on the device or on this host, is the one this key should have. */
export async function assessCertificate(
  bytes: Uint8Array,
  { wanted, publicKey, now }: { wanted: DesiredCertificate; publicKey: PublicKeyData; now: Date },
): Promise<CertificateState> {
  let certificate: Certificate;
  try {
    certificate = readCertificate(bytes);
  } catch (thrown) {
    if (!(thrown instanceof OpenPgpError)) throw thrown;
    return { kind: "foreign", why: `cannot be read: ${thrown.message}` };
  }
  const createdAt = certificate.key.creationTime;
  try {
    await requireCertificateOf({
      certificate,
      material: materialOf(publicKey),
      at: Math.floor(now.getTime() / 1000),
      pinnedFingerprint: wanted.fingerprint,
    });
  } catch (thrown) {
    if (!(thrown instanceof SigningError)) throw thrown;
    const kind = mended.has(thrown.code) ? "outdated" : "foreign";
    return { kind, createdAt, why: `is not to be used: ${thrown.message}` };
  }
  if (certificate.userIds.some(({ text }) => text === wanted.userId)) return { kind: "good" };
  return { kind: "outdated", createdAt, why: "its user id is another" };
}
