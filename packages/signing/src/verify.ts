/** Verifies raw signatures over a digest that is already made. No kind of key goes without. */
import { constants, createPublicKey, type KeyObject, publicDecrypt, verify } from "node:crypto";
import type { Curve, KeyMaterial } from "@signstar/openpgp/public-key";
import type { RawSignature } from "@signstar/openpgp/signature";
import { concat, equal, leftPad, stripLeadingZeros } from "@signstar/primitives/bytes";
import { digestInfo } from "./digest-info.ts";
import { coordinateBytes, truncateDigest } from "./raw-signer.ts";

/**
 * Whether `raw` is this key's signature over `digest` (20, 32, 48 or 64 bytes: SHA-1 to SHA-512). A key or number
 * that makes no sense makes it false. ECDSA's other s is as good: HSMs do not normalise it.
 */
export async function verifyRaw(material: KeyMaterial, digest: Uint8Array, raw: RawSignature): Promise<boolean> {
  if (material.algorithm === "EdDSALegacy" && raw.algorithm === "EdDSALegacy") {
    return (
      fits(raw, 32) && verify(null, digest, ed25519Key(material.point), concat(leftPad(raw.r, 32), leftPad(raw.s, 32)))
    );
  }
  if (material.algorithm === "ECDSA" && raw.algorithm === "ECDSA") {
    return await verifyEcdsa(material.curve, material.point, digest, raw);
  }
  if (material.algorithm === "RSA" && raw.algorithm === "RSA") return verifyRsa(material, digest, raw.s);
  return false;
}

/** Compares the whole padded block (RFC 8017 §8.2.2), so that nothing in it is left to be parsed. */
function verifyRsa(
  { modulus, exponent }: { readonly modulus: Uint8Array; readonly exponent: Uint8Array },
  digest: Uint8Array,
  s: Uint8Array,
): boolean {
  const number = stripLeadingZeros(modulus);
  const { length } = number;
  // OpenSSL throws for a number that is not below the modulus.
  if (stripLeadingZeros(s).length > length || Buffer.compare(leftPad(s, length), number) >= 0) return false;
  const info = digestInfo(digest);
  const padding = new Uint8Array(length - info.length - 3).fill(0xff);
  const key = createPublicKey({ format: "jwk", key: { kty: "RSA", n: base64url(modulus), e: base64url(exponent) } });
  const block = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, leftPad(s, length));
  return equal(concat(Uint8Array.of(0, 1), padding, Uint8Array.of(0), info), block);
}

/** node:crypto has no ECDSA over a given digest. The library is loaded here because only EC keys need it. */
async function verifyEcdsa(
  curve: Curve,
  point: Uint8Array,
  digest: Uint8Array,
  { r, s }: { readonly r: Uint8Array; readonly s: Uint8Array },
): Promise<boolean> {
  const size = coordinateBytes(curve);
  if (!fits({ r, s }, size)) return false;
  const { p256, p384, p521 } = await import("@noble/curves/nist.js");
  const ecdsa = { "P-256": p256, "P-384": p384, "P-521": p521 }[curve];
  return ecdsa.verify(concat(leftPad(r, size), leftPad(s, size)), truncateDigest(curve, digest), point, {
    format: "compact",
    lowS: false,
    prehash: false,
  });
}

function fits({ r, s }: { readonly r: Uint8Array; readonly s: Uint8Array }, length: number): boolean {
  return stripLeadingZeros(r).length <= length && stripLeadingZeros(s).length <= length;
}

/** Made once for each key: a batch verifies with the same one throughout. */
const ed25519Keys = new WeakMap<Uint8Array, KeyObject>();

function ed25519Key(point: Uint8Array): KeyObject {
  const known = ed25519Keys.get(point);
  if (known !== undefined) return known;
  const key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: base64url(point) } });
  ed25519Keys.set(point, key);
  return key;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
