/** Real keys in this process that take and give what a NetHSM takes and gives (its sign modes, sizes and encodings). */
import { constants, createPrivateKey, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from "node:crypto";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { KeyId } from "@signstar/nethsm/ids";
import type { PublicKeyData, SignMode } from "@signstar/nethsm/types";
import { concat, fromHex } from "@signstar/primitives/bytes";
import type { SigningKeys } from "../raw-signer.ts";

export const keyKinds = ["Curve25519", "EC_P256", "EC_P384", "EC_P521", "RSA-2048", "RSA-4096"] as const;
export type KeyKind = (typeof keyKinds)[number];

const curves = {
  EC_P256: { ecdsa: p256, named: "P-256", digest: 32 },
  EC_P384: { ecdsa: p384, named: "P-384", digest: 48 },
  EC_P521: { ecdsa: p521, named: "P-521", digest: 64 },
} as const;

export interface TestKeys extends SigningKeys {
  readonly publicKey: PublicKeyData;
  get(id: KeyId): Promise<{ readonly publicKey: PublicKeyData }>;
  readonly calls: readonly { readonly id: KeyId; readonly mode: SignMode; readonly message: Uint8Array }[];
}

/** One key, whatever the id. `seed` (32 bytes) makes an Ed25519 key a known one. */
export function makeTestKeys(kind: KeyKind, seed?: Uint8Array): TestKeys {
  const privateKey = seed === undefined ? generate(kind) : fromSeed(seed);
  const publicKey = publicPart(kind, privateKey);
  const calls: { id: KeyId; mode: SignMode; message: Uint8Array }[] = [];
  return {
    publicKey,
    calls,
    get: () => Promise.resolve({ publicKey }),
    sign(id, { mode, message }) {
      calls.push({ id, mode, message });
      return Promise.resolve(answer(kind, privateKey, mode, message));
    },
  };
}

function answer(kind: KeyKind, privateKey: KeyObject, mode: SignMode, message: Uint8Array): Uint8Array {
  const wanted = kind === "Curve25519" ? "EdDSA" : isCurve(kind) ? "ECDSA" : "PKCS1";
  if (mode !== wanted) throw new Error(`mode ${mode} where ${wanted} is wanted`);
  if (kind === "Curve25519") return new Uint8Array(sign(null, message, privateKey));
  if (!isCurve(kind)) {
    return new Uint8Array(privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, message));
  }
  const { ecdsa, digest } = curves[kind];
  if (message.length !== digest) throw new Error(`digest of ${message.length} bytes where ${digest} are wanted`);
  return ecdsa.sign(message, member(privateKey, "d"), {
    prehash: false,
    lowS: false,
    format: "der",
    extraEntropy: true,
  });
}

function generate(kind: KeyKind): KeyObject {
  if (kind === "Curve25519") return generateKeyPairSync("ed25519").privateKey;
  if (isCurve(kind)) return generateKeyPairSync("ec", { namedCurve: curves[kind].named }).privateKey;
  return generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) }).privateKey;
}

/** RFC 8410 §7: a fixed DER prefix, then the seed. */
function fromSeed(seed: Uint8Array): KeyObject {
  const key = Buffer.from(concat(fromHex("302e020100300506032b657004220420"), seed));
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function publicPart(kind: KeyKind, key: KeyObject): PublicKeyData {
  if (kind === "Curve25519") return { type: kind, data: member(key, "x") };
  if (isCurve(kind)) return { type: kind, data: concat(Uint8Array.of(4), member(key, "x"), member(key, "y")) };
  return { type: "RSA", modulus: member(key, "n"), publicExponent: member(key, "e") };
}

function member(key: KeyObject, name: "d" | "e" | "n" | "x" | "y"): Uint8Array {
  return new Uint8Array(Buffer.from(String(key.export({ format: "jwk" })[name]), "base64url"));
}

function isCurve(kind: KeyKind): kind is keyof typeof curves {
  return kind in curves;
}
