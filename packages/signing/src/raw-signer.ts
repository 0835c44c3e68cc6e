/** Asks a NetHSM to sign a digest, and reads its answer. Of OpenPGP it knows nothing but the kinds of key. */
import type { KeyId } from "@signstar/nethsm/ids";
import type { PublicKeyData, SignMode } from "@signstar/nethsm/types";
import type { Curve, KeyMaterial } from "@signstar/openpgp/public-key";
import type { RawSignature } from "@signstar/openpgp/signature";
import { stripLeadingZeros } from "@signstar/primitives/bytes";
import { DerReader, Tag } from "@signstar/primitives/der";
import { digestInfo } from "./digest-info.ts";
import { SigningError } from "./error.ts";
import { materialOf } from "./key-material.ts";

export interface RawSigner {
  /** The key that is meant to sign. */
  readonly key: KeyMaterial;
  /** `digest` is a SHA-512 of 64 bytes; the answer is as the HSM gives it. */
  sign(digest: Uint8Array): Promise<Uint8Array>;
  /** The key that the device really holds: asked when an answer does not verify. */
  deviceKey?(): Promise<KeyMaterial>;
}

/** What is needed of a NetHSM's keys. */
export interface SigningKeys {
  sign(id: KeyId, input: { readonly mode: SignMode; readonly message: Uint8Array }): Promise<Uint8Array>;
  get?(id: KeyId): Promise<{ readonly publicKey: PublicKeyData | undefined }>;
}

export interface SignerOptions {
  /** NetHSM 3.0, and only it, adds the DigestInfo of PKCS #1 itself and refuses a complete one. */
  readonly deviceAddsDigestInfo?: boolean;
}

/** By curve: order of the base point (SEC 2 §2) and how many bytes of a digest a NetHSM wants; P-521 takes 64. */
const curves: Readonly<
  Record<Curve, { readonly order: bigint; readonly coordinate: number; readonly digest: number }>
> = {
  "P-256": {
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    coordinate: 32,
    digest: 32,
  },
  "P-384": {
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    coordinate: 48,
    digest: 48,
  },
  "P-521": {
    order:
      0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    coordinate: 66,
    digest: 64,
  },
};

/** `material` is the public key that `keyId` is meant to be; nothing is asked of the device before `sign`. */
export function nethsmSigner(
  keys: SigningKeys,
  keyId: KeyId,
  material: KeyMaterial,
  options: SignerOptions = {},
): RawSigner {
  return {
    key: material,
    sign: (digest) => keys.sign(keyId, prepare(material, digest, options)),
    ...(keys.get && { deviceKey: async () => materialOf((await keys.get?.(keyId))?.publicKey) }),
  };
}

/** The leftmost bytes of a digest that ECDSA on this curve signs (FIPS 186-5 §6.4.1). */
export function truncateDigest(curve: Curve, digest: Uint8Array): Uint8Array {
  return digest.subarray(0, curves[curve].digest);
}

/** Bytes of one coordinate, and of r and s. */
export function coordinateBytes(curve: Curve): number {
  return curves[curve].coordinate;
}

function prepare(
  material: KeyMaterial,
  digest: Uint8Array,
  options: SignerOptions,
): { mode: SignMode; message: Uint8Array } {
  if (digest.length !== 64) throw new RangeError(`digest of ${digest.length} bytes where SHA-512 is wanted`);
  switch (material.algorithm) {
    case "EdDSALegacy":
      return { mode: "EdDSA", message: digest };
    case "ECDSA":
      return { mode: "ECDSA", message: truncateDigest(material.curve, digest) };
    case "RSA":
      return { mode: "PKCS1", message: options.deviceAddsDigestInfo === true ? digest : digestInfo(digest) };
  }
}

/**
 * The numbers in an HSM's answer: 64 bytes for EdDSA, strict DER with r and s in 1 to n - 1 for ECDSA, exactly the
 * modulus' length for RSA. Throws SigningError `bad-answer`.
 */
export function readAnswer(material: KeyMaterial, answer: Uint8Array): RawSignature {
  switch (material.algorithm) {
    case "EdDSALegacy":
      if (answer.length !== 64) throw badAnswer(`${answer.length} bytes where an EdDSA signature has 64`);
      return { algorithm: "EdDSALegacy", r: answer.slice(0, 32), s: answer.slice(32) };
    case "ECDSA":
      return { algorithm: "ECDSA", ...readDer(material.curve, answer) };
    case "RSA": {
      const { length } = stripLeadingZeros(material.modulus);
      if (answer.length !== length)
        throw badAnswer(`${answer.length} bytes where this key's RSA signature has ${length}`);
      return { algorithm: "RSA", s: new Uint8Array(answer) };
    }
  }
}

function readDer(curve: Curve, answer: Uint8Array): { r: Uint8Array; s: Uint8Array } {
  try {
    const outer = new DerReader(new Uint8Array(answer));
    const inner = new DerReader(outer.read(Tag.sequence));
    outer.end();
    const [r, s] = [inner.readUint(), inner.readUint()];
    inner.end();
    if (!isInRange(curve, r) || !isInRange(curve, s))
      throw new RangeError("a number is zero or beyond the curve's order");
    return { r, s };
  } catch (cause) {
    throw badAnswer("bytes that are no ECDSA signature in DER", cause);
  }
}

function isInRange(curve: Curve, number: Uint8Array): boolean {
  const value = BigInt(`0x0${Buffer.from(number).toString("hex")}`);
  return value > 0n && value < curves[curve].order;
}

function badAnswer(what: string, cause?: unknown): SigningError {
  return new SigningError("bad-answer", `the HSM answered with ${what}`, { cause });
}
