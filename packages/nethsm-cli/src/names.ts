/** How the command line spells what the device calls otherwise. */
import {
  type DecryptMode,
  decryptModes,
  type KeyMechanism,
  type KeyType,
  keyMechanisms,
  keyTypes,
  type SignMode,
  type TlsKeyType,
  tlsKeyTypes,
} from "@signstar/nethsm/types";
import { choose } from "./words.ts";

/** `EC_P256` is EcP256, `RSA_Signature_PSS_SHA512` is RsaSignaturePssSha512. */
function camel(wire: string): string {
  return wire
    .split("_")
    .map((part) => (/^[A-Z0-9]+$/.test(part) ? part[0] + part.slice(1).toLowerCase() : part))
    .join("")
    .replace("EdDSA", "EdDsa");
}

const spelled = <T extends string>(wire: readonly T[]): ReadonlyMap<string, T> =>
  new Map(wire.map((name) => [special[name] ?? camel(name), name]));

const special: Readonly<Record<string, string>> = { EC_P256K1: "EcP256K1", BIP340_Signature: "Bip340Signature" };

const types = spelled(keyTypes);
const tlsTypes = spelled(tlsKeyTypes);
const mechanisms = spelled(keyMechanisms);
const decryptions = spelled(decryptModes);

export const keyTypeNames: readonly string[] = [...types.keys()];
export const tlsKeyTypeNames: readonly string[] = [...tlsTypes.keys()];
export const mechanismNames: readonly string[] = [...mechanisms.keys()];
export const decryptModeNames: readonly string[] = [...decryptions.keys()];

export const keyTypeOf = (word: string): KeyType => wireOf("key type", types, word);
export const tlsKeyTypeOf = (word: string): TlsKeyType => wireOf("TLS key type", tlsTypes, word);
export const mechanismOf = (word: string): KeyMechanism => wireOf("key mechanism", mechanisms, word);
export const decryptModeOf = (word: string): DecryptMode => wireOf("decrypt mode", decryptions, word);

function wireOf<T extends string>(what: string, names: ReadonlyMap<string, T>, word: string): T {
  const wire = names.get(choose(what, word, [...names.keys()]));
  if (wire === undefined) throw new TypeError(`${word} is listed without a meaning`);
  return wire;
}

export interface SignatureType {
  readonly mode: SignMode;
  /** What the message is hashed with before it is sent; undefined: it is sent as it is. */
  readonly hash: string | undefined;
}

const signatureTypes = {
  EcdsaP224: { mode: "ECDSA", hash: "sha224" },
  EcdsaP256: { mode: "ECDSA", hash: "sha256" },
  EcdsaP384: { mode: "ECDSA", hash: "sha384" },
  EcdsaP521: { mode: "ECDSA", hash: "sha512" },
  EdDsa: { mode: "EdDSA", hash: undefined },
  Pkcs1: { mode: "PKCS1", hash: "sha256" },
  PssMd5: { mode: "PSS_MD5", hash: "md5" },
  PssSha1: { mode: "PSS_SHA1", hash: "sha1" },
  PssSha224: { mode: "PSS_SHA224", hash: "sha224" },
  PssSha256: { mode: "PSS_SHA256", hash: "sha256" },
  PssSha384: { mode: "PSS_SHA384", hash: "sha384" },
  PssSha512: { mode: "PSS_SHA512", hash: "sha512" },
  EcdsaP256K1: { mode: "ECDSA", hash: "sha256" },
  EcdsaBrainpoolP256: { mode: "ECDSA", hash: "sha256" },
  EcdsaBrainpoolP384: { mode: "ECDSA", hash: "sha384" },
  EcdsaBrainpoolP512: { mode: "ECDSA", hash: "sha512" },
  Bip340: { mode: "BIP340", hash: undefined },
} as const satisfies Record<string, SignatureType>;

export const signatureTypeNames = Object.keys(signatureTypes) as readonly (keyof typeof signatureTypes)[];

export function signatureTypeOf(word: string): SignatureType {
  return signatureTypes[choose("signature type", word, signatureTypeNames)];
}
