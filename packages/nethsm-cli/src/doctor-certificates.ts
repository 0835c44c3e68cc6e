/** Whether certificates are still good in a month. */
import { X509Certificate } from "node:crypto";
import { readCertificate } from "@signstar/openpgp/certificate";
import { Failure } from "@signstar/primitives/failure";
import { requireUsable } from "@signstar/signing/trust";

const noticeMs = 30 * 24 * 3_600_000;

/** What is wrong with an X.509 certificate (PEM or DER); undefined: nothing. */
export function x509Problem(certificate: string | Uint8Array, now: Date): string | undefined {
  let end: Date;
  try {
    end = new Date(new X509Certificate(certificate).validTo);
  } catch {
    return "it is not a certificate that can be read";
  }
  const left = end.getTime() - now.getTime();
  if (left < 0) return `expired on ${dayOf(end)}`;
  return left < noticeMs ? `expires on ${dayOf(end)}` : undefined;
}

/** The same of what is kept beside a key: X.509, OpenPGP, or bytes that this program does not know. */
export async function certificateProblem(bytes: Uint8Array, now: Date): Promise<string | undefined> {
  const isX509 =
    bytes[0] === 0x30 || Buffer.from(bytes.subarray(0, 27)).toString("latin1") === "-----BEGIN CERTIFICATE-----";
  if (isX509) return x509Problem(bytes, now);
  try {
    const certificate = readCertificate(bytes);
    await requireUsable(certificate, Math.floor((now.getTime() + noticeMs) / 1000));
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return `in 30 days: ${error.message}`;
    throw error;
  }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
