/** The elliptic curves: one table from the device's names to OpenSSL's, to sizes in bytes, and to ECDSA over a digest. */
import { type ECDSA, ecdsa, weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from "@noble/curves/misc.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha224 } from "@noble/hashes/sha2.js";
import type { KeyType } from "@signstar/nethsm/types";

export type CurveType = Exclude<KeyType, "RSA" | "Curve25519" | "Generic">;

export interface Curve {
  /** OpenSSL's name. */
  readonly name: string;
  readonly oid: string;
  /** Of a scalar and of a coordinate, in bytes. */
  readonly size: number;
  /** What ECDSA takes: exactly this many bytes. P-521 takes 64, the longest digest there is. */
  readonly digestLength: number;
  /** For certificates and requests. */
  readonly hash: "sha224" | "sha256" | "sha384" | "sha512";
  readonly ecdsa: ECDSA;
}

/** FIPS 186-4 D.1.2.2. */
const p224 = ecdsa(
  weierstrass({
    p: 2n ** 224n - 2n ** 96n + 1n,
    n: 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn,
    h: 1n,
    a: 2n ** 224n - 2n ** 96n - 2n,
    b: 0xb4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4n,
    Gx: 0xb70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21n,
    Gy: 0xbd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34n,
  }),
  sha224,
);

export const curves: Readonly<Record<CurveType, Curve>> = {
  EC_P224: curve("secp224r1", "1.3.132.0.33", 28, 28, "sha224", p224),
  EC_P256: curve("prime256v1", "1.2.840.10045.3.1.7", 32, 32, "sha256", p256),
  EC_P256K1: curve("secp256k1", "1.3.132.0.10", 32, 32, "sha256", secp256k1),
  EC_P384: curve("secp384r1", "1.3.132.0.34", 48, 48, "sha384", p384),
  EC_P521: curve("secp521r1", "1.3.132.0.35", 66, 64, "sha512", p521),
  BrainpoolP256: curve("brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7", 32, 32, "sha256", brainpoolP256r1),
  BrainpoolP384: curve("brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11", 48, 48, "sha384", brainpoolP384r1),
  BrainpoolP512: curve("brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13", 64, 64, "sha512", brainpoolP512r1),
};

export function isCurveType(type: string): type is CurveType {
  return Object.hasOwn(curves, type);
}

export function curveTypeByName(opensslName: string): CurveType | undefined {
  return Object.keys(curves)
    .filter(isCurveType)
    .find((type) => curves[type].name === opensslName);
}

function curve(
  name: string,
  oid: string,
  size: number,
  digestLength: number,
  hash: Curve["hash"],
  implementation: ECDSA,
): Curve {
  return { name, oid, size, digestLength, hash, ecdsa: implementation };
}
