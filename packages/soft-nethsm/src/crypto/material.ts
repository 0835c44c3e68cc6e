/** A stored private key made ready for use: its type is what its bytes say, not what a caller claims. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { concat, leftPad } from "@signstar/primitives/bytes";
import { DerReader, derElement, derUint, Tag } from "@signstar/primitives/der";
import { bitString, explicit, octets, oid, sequence } from "@signstar/primitives/der-elements";
import type { PrivateKey } from "../records.ts";
import { type Curve, type CurveType, curves, curveTypeByName } from "./curves.ts";

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export type Material =
  | { readonly type: "Generic"; readonly secret: Uint8Array }
  | (Pair & { readonly type: "RSA"; readonly size: number /* of the modulus, bytes */ })
  | (Pair & { readonly type: "Curve25519" })
  | (Pair & { readonly type: CurveType; readonly curve: Curve; readonly scalar: Uint8Array });

export type KeyPair = Exclude<Material, { readonly type: "Generic" }>;
export type CurveKey = Extract<Material, { readonly scalar: Uint8Array }>;

export class MaterialError extends Error {
  override readonly name = "MaterialError";
}

/** Throws MaterialError for a key of a kind the device does not have. */
export function materialOf(key: PrivateKey): Material {
  return key.kind === "raw" ? { type: "Generic", secret: key.bytes } : keyPairOf(createPrivateKey(key.pem));
}

export function keyPairOf(privateKey: KeyObject): KeyPair {
  const publicKey = createPublicKey(privateKey);
  const details = privateKey.asymmetricKeyDetails;
  switch (privateKey.asymmetricKeyType) {
    case "rsa":
      return { type: "RSA", privateKey, publicKey, size: Math.ceil((details?.modulusLength ?? 0) / 8) };
    case "ed25519":
      return { type: "Curve25519", privateKey, publicKey };
    case "ec": {
      const type = curveTypeByName(details?.namedCurve ?? "");
      if (type === undefined) throw new MaterialError(`no key type has the curve ${details?.namedCurve}`);
      return { type, privateKey, publicKey, curve: curves[type], scalar: scalarOf(privateKey, curves[type]) };
    }
    default:
      throw new MaterialError(`no key type is ${privateKey.asymmetricKeyType}`);
  }
}

export function toStored(key: KeyPair): Extract<PrivateKey, { readonly kind: "pem" }> {
  return { kind: "pem", pem: key.privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** 04 ∥ X ∥ Y: the end of the SubjectPublicKeyInfo. */
export function pointOf(key: CurveKey): Uint8Array {
  return spki(key).slice(-(1 + 2 * key.curve.size));
}

/** The 32 bytes of RFC 8032: the end of the SubjectPublicKeyInfo. */
export function ed25519Point(key: KeyPair): Uint8Array {
  return spki(key).slice(-32);
}

export function spki(key: KeyPair): Uint8Array {
  return new Uint8Array(key.publicKey.export({ type: "spki", format: "der" }));
}

/** A key from its scalar, with the public point in it as other implementations expect. Throws MaterialError. */
export function curveKey(type: CurveType, scalar: Uint8Array): KeyPair {
  const { ecdsa, oid: id } = curves[type];
  if (!ecdsa.utils.isValidSecretKey(scalar))
    throw new MaterialError("scalar is not between 1 and the order of the curve");
  const point = ecdsa.getPublicKey(scalar, false);
  const key = sequence(derUint(Uint8Array.of(1)), octets(scalar), explicit(0, oid(id)), explicit(1, bitString(point)));
  return keyPairOf(createPrivateKey({ key: Buffer.from(key), format: "der", type: "sec1" }));
}

/** RFC 8410 §7. */
export function ed25519Key(seed: Uint8Array): KeyPair {
  const key = sequence(derUint(new Uint8Array(0)), sequence(oid("1.3.101.112")), octets(octets(seed)));
  return keyPairOf(createPrivateKey({ key: Buffer.from(key), format: "der", type: "pkcs8" }));
}

/** Node knows JWK for some of the curves only; SEC 1 (RFC 5915) is there for all. */
function scalarOf(privateKey: KeyObject, curve: Curve): Uint8Array {
  const outer = new DerReader(new Uint8Array(privateKey.export({ type: "sec1", format: "der" })));
  const inner = new DerReader(outer.read(Tag.sequence));
  inner.readUint();
  return leftPad(inner.read(Tag.octetString), curve.size);
}

/** PKCS#1 RSAPrivateKey (RFC 8017 A.1.2) of its numbers, big endian. */
export function rsaKey(numbers: readonly bigint[]): KeyPair {
  const integers = numbers.map((number) => derUint(bytesOf(number)));
  const key = derElement(Tag.sequence, concat(derUint(new Uint8Array(0)), ...integers));
  return keyPairOf(createPrivateKey({ key: Buffer.from(key), format: "der", type: "pkcs1" }));
}

export function bytesOf(number: bigint): Uint8Array {
  const hex = number.toString(16);
  return new Uint8Array(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
}

export function numberOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}
