/** TLS certificates and keys as they come from outside. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, DEFAULT_CIPHERS } from "node:tls";
import { toPem } from "@signstar/primitives/pem";
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
  const identity = {
    privateKey: key.export({ type: "pkcs8", format: "pem" }).toString(),
    chain: chain.map((certificate) => new Uint8Array(certificate.raw)),
  };
  createSecureContext(serverOptions(identity));
  return identity;
}

/**
 * What node:tls needs for it. By itself OpenSSL refuses RSA keys below 2048 bits: with a device they begin at 1024, and
 * only for the administrator who asked for one the bar is lowered.
 */
export function serverOptions({ privateKey, chain }: TlsIdentity): { key: string; cert: string; ciphers?: string } {
  const cert = chain.map((certificate) => toPem("CERTIFICATE", certificate)).join("");
  const isShort = chain.some((certificate) => {
    const bits = new X509Certificate(certificate).publicKey.asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < 2048;
  });
  return { key: privateKey, cert, ...(isShort ? { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=1` } : {}) };
}

/** Whether a server can be run with it. */
export function isUsable(tls: TlsIdentity): boolean {
  try {
    const [leaf] = tls.chain;
    if (leaf === undefined || !new X509Certificate(leaf).checkPrivateKey(createPrivateKey(tls.privateKey)))
      return false;
    createSecureContext(serverOptions(tls));
    return true;
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
