/** Keys made on the spot, and a hasher that remembers what it saw: node:crypto signs ECDSA over data only. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { concat } from "@signstar/primitives/bytes";
import { type Hasher, prepareSignature, type RawSignature } from "../framing.ts";
import { type Curve, type KeyMaterial, makePublicKey, type PublicKey } from "../public-key.ts";
import type { Subpacket } from "../subpacket.ts";

export const keyKinds = ["Ed25519", "P-256", "P-384", "P-521", "RSA-2048", "RSA-4096"] as const;
export type KeyKind = (typeof keyKinds)[number];

export class RecordingHasher implements Hasher {
  readonly #parts: Uint8Array[] = [];

  update(bytes: Uint8Array): void {
    this.#parts.push(new Uint8Array(bytes));
  }

  digest(): Uint8Array {
    return new Uint8Array(createHash("sha512").update(this.seen).digest());
  }

  get seen(): Uint8Array {
    return concat(...this.#parts);
  }
}

export interface TestKey {
  readonly key: PublicKey;
  readonly privateKey: KeyObject;
  sign(data: Uint8Array): RawSignature;
}

/** `creationTime` in seconds. */
export function makeTestKey(kind: KeyKind, creationTime: number): TestKey {
  const { privateKey, publicKey } = generate(kind);
  const jwk = publicKey.export({ format: "jwk" });
  const material = materialOf(kind, (member) => new Uint8Array(Buffer.from(String(jwk[member]), "base64url")));
  return {
    key: makePublicKey(material, creationTime),
    privateKey,
    sign: (data) => signRaw(privateKey, material, data),
  };
}

export function signRaw(privateKey: KeyObject, { algorithm }: KeyMaterial, data: Uint8Array): RawSignature {
  if (algorithm === "RSA") return { algorithm, s: new Uint8Array(sign("sha512", data, privateKey)) };
  const both =
    algorithm === "EdDSALegacy"
      ? sign(null, createHash("sha512").update(data).digest(), privateKey)
      : sign("sha512", data, { key: privateKey, dsaEncoding: "ieee-p1363" });
  const half = both.length / 2;
  return { algorithm, r: new Uint8Array(both.subarray(0, half)), s: new Uint8Array(both.subarray(half)) };
}

/** A signature packet of any type over `covered`. */
export function signPacket(
  { key, sign: signWith }: TestKey,
  input: {
    readonly type: number;
    readonly covered: Uint8Array;
    readonly hashed: readonly Subpacket[];
    readonly unhashed?: readonly Subpacket[];
  },
): Uint8Array {
  const hasher = new RecordingHasher();
  hasher.update(input.covered);
  const { type, hashed, unhashed = [] } = input;
  return prepareSignature({ key, type, hashed, unhashed, hasher }).finish(signWith(hasher.seen));
}

function generate(kind: KeyKind): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (kind === "Ed25519") return generateKeyPairSync("ed25519");
  if (isCurve(kind)) return generateKeyPairSync("ec", { namedCurve: kind });
  return generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) });
}

function materialOf(kind: KeyKind, member: (name: "n" | "e" | "x" | "y") => Uint8Array): KeyMaterial {
  if (kind === "Ed25519") return { algorithm: "EdDSALegacy", point: member("x") };
  if (isCurve(kind)) {
    return { algorithm: "ECDSA", curve: kind, point: concat(Uint8Array.of(4), member("x"), member("y")) };
  }
  return { algorithm: "RSA", modulus: member("n"), exponent: member("e") };
}

function isCurve(kind: KeyKind): kind is Curve {
  return kind.startsWith("P-");
}
