/** TLS certificates and keys as they come from outside. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { TlsIdentity } from "./device.ts";

/** The certificates of a PEM text in order. Throws whatever node:crypto finds wrong with one, RangeError if there is none. */
export function readChain(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new RangeError("no certificate");
  return blocks.map((block) => new X509Certificate(block));
}

/** Chain and key as a server needs them. Throws Error when they do not belong together. */
export function readTlsIdentity(certificatePem: string, keyPem: string): TlsIdentity {
  const chain = readChain(certificatePem);
  const key = createPrivateKey(keyPem);
  if (chain[0]?.checkPrivateKey(key) !== true) throw new RangeError("the certificate is for another key");
  return {
    privateKey: key.export({ type: "pkcs8", format: "pem" }).toString(),
    chain: chain.map((certificate) => new Uint8Array(certificate.raw)),
  };
}

/** Whether a server can be run with it. */
export function isUsable({ privateKey, chain: [leaf] }: TlsIdentity): boolean {
  try {
    return leaf !== undefined && new X509Certificate(leaf).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

/** Whether each certificate is signed by the next; the last is taken as the trust anchor. */
export function isChain(chain: readonly X509Certificate[]): boolean {
  return chain.every((certificate, i) => {
    const issuer = chain[i + 1];
    return issuer === undefined || (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  });
}
