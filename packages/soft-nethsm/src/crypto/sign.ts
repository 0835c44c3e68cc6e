/** Signing in the device's modes: hashed modes take the digest, not the data. */
import { sign as signData } from "node:crypto";
import { schnorr } from "@noble/curves/secp256k1.js";
import { digestBytesOfSignMode, type SignMode } from "@signstar/nethsm/types";
import { concat, fromHex } from "@signstar/primitives/bytes";
import { Refusal } from "../http.ts";
import { addsDigestInfo, has, type Release } from "../release.ts";
import type { CurveKey, Material } from "./material.ts";
import { encodePss } from "./pss.ts";
import { rsaPrivate } from "./rsa.ts";

type RsaKey = Extract<Material, { readonly type: "RSA" }>;

/** DigestInfo without the digest (RFC 8017 §9.2 note 1), by digest length. */
const digestInfos = new Map([
  [16, "3020300c06082a864886f70d020505000410"],
  [20, "3021300906052b0e03021a05000414"],
  [28, "302d300d06096086480165030402040500041c"],
  [32, "3031300d060960864801650304020105000420"],
  [48, "3041300d060960864801650304020205000430"],
  [64, "3051300d060960864801650304020305000440"],
]);

/** Rejects with Refusal 400 when key, mode and message do not fit. */
export async function sign(key: Material, mode: SignMode, message: Uint8Array, release: Release): Promise<Uint8Array> {
  switch (key.type) {
    case "Generic":
      throw new Refusal(400, "Generic keys can't sign.");
    case "RSA":
      return signRsa(key, mode, message, release);
    case "Curve25519":
      if (mode !== "EdDSA") throw new Refusal(400, "invalid sign mode");
      return new Uint8Array(signData(null, message, key.privateKey));
    default:
      return signCurve(key, mode, message, release);
  }
}

function signCurve(key: CurveKey, mode: SignMode, message: Uint8Array, release: Release): Uint8Array {
  if (mode === "BIP340" && key.type === "EC_P256K1") return schnorr.sign(message, key.scalar);
  if (mode !== "ECDSA") throw new Refusal(400, "invalid sign mode");
  if (message.length !== key.curve.digestLength) throw new Refusal(400, "digested data of invalid size");
  const extraEntropy = has(release, "randomNonce");
  return key.curve.ecdsa.sign(message, key.scalar, { prehash: false, lowS: false, format: "der", extraEntropy });
}

async function signRsa(key: RsaKey, mode: SignMode, message: Uint8Array, release: Release): Promise<Uint8Array> {
  if (mode === "PKCS1") return signPkcs1(key, addsDigestInfo(release) ? withDigestInfo(message) : message);
  if (mode === "EdDSA" || mode === "ECDSA" || mode === "BIP340") throw new Refusal(400, "invalid sign mode");
  if (message.length !== digestBytesOfSignMode[mode]) throw new Refusal(400, "digested data of invalid size");
  const bits = (key.publicKey.asymmetricKeyDetails?.modulusLength ?? 0) - 1;
  const encoded = encodePss(message, mode.slice("PSS_".length).toLowerCase(), bits);
  if (encoded === undefined) throw new Refusal(400, "RSA key of insufficient length");
  // A modulus of 8n + 1 bits is a byte longer than the encoded message.
  const block = concat(new Uint8Array(key.size - encoded.length), encoded);
  return rsaPrivate(key, { kind: "raw" }, block);
}

async function signPkcs1(key: RsaKey, message: Uint8Array): Promise<Uint8Array> {
  if (message.length > key.size - 11) throw new Refusal(400, "Signing failure: RSA key too short.");
  return rsaPrivate(key, { kind: "sign-pkcs1" }, message);
}

function withDigestInfo(digest: Uint8Array): Uint8Array {
  const info = digestInfos.get(digest.length);
  if (info === undefined) throw new Refusal(400, "Invalid digest length.");
  return concat(fromHex(info), digest);
}
