/**
 * The NetHSM's vocabulary, spelled as on the wire, and which mechanism, length and mode goes with which key type.
 */

export const roles = ["Administrator", "Operator", "Metrics", "Backup"] as const;
export type Role = (typeof roles)[number];

/** `Failed` (the device lost its database) exists since release 5.0. */
export const systemStates = ["Unprovisioned", "Locked", "Operational", "Failed"] as const;
export type SystemState = (typeof systemStates)[number];

export const switches = ["on", "off"] as const;
export type Switch = (typeof switches)[number];

export const logLevels = ["debug", "info", "warning", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export const keyTypes = [
  "RSA",
  "Curve25519",
  "EC_P224",
  "EC_P256",
  "EC_P256K1",
  "EC_P384",
  "EC_P521",
  "BrainpoolP256",
  "BrainpoolP384",
  "BrainpoolP512",
  "Generic",
] as const;
export type KeyType = (typeof keyTypes)[number];

/** What the device's own TLS key can be. */
export const tlsKeyTypes = [
  "RSA",
  "Curve25519",
  "EC_P256",
  "EC_P384",
  "EC_P521",
  "BrainpoolP256",
  "BrainpoolP384",
  "BrainpoolP512",
] as const satisfies readonly KeyType[];
export type TlsKeyType = (typeof tlsKeyTypes)[number];

/** In the order in which the device lists them. */
export const keyMechanisms = [
  "RSA_Decryption_RAW",
  "RSA_Decryption_PKCS1",
  "RSA_Decryption_OAEP_MD5",
  "RSA_Decryption_OAEP_SHA1",
  "RSA_Decryption_OAEP_SHA224",
  "RSA_Decryption_OAEP_SHA256",
  "RSA_Decryption_OAEP_SHA384",
  "RSA_Decryption_OAEP_SHA512",
  "RSA_Signature_PKCS1",
  "RSA_Signature_PSS_MD5",
  "RSA_Signature_PSS_SHA1",
  "RSA_Signature_PSS_SHA224",
  "RSA_Signature_PSS_SHA256",
  "RSA_Signature_PSS_SHA384",
  "RSA_Signature_PSS_SHA512",
  "EdDSA_Signature",
  "ECDSA_Signature",
  "BIP340_Signature",
  "AES_Encryption_CBC",
  "AES_Decryption_CBC",
] as const;
export type KeyMechanism = (typeof keyMechanisms)[number];

export const signModes = [
  "PKCS1",
  "PSS_MD5",
  "PSS_SHA1",
  "PSS_SHA224",
  "PSS_SHA256",
  "PSS_SHA384",
  "PSS_SHA512",
  "EdDSA",
  "ECDSA",
  "BIP340",
] as const;
export type SignMode = (typeof signModes)[number];

export const decryptModes = [
  "RAW",
  "PKCS1",
  "OAEP_MD5",
  "OAEP_SHA1",
  "OAEP_SHA224",
  "OAEP_SHA256",
  "OAEP_SHA384",
  "OAEP_SHA512",
  "AES_CBC",
] as const;
export type DecryptMode = (typeof decryptModes)[number];

export const encryptModes = ["AES_CBC"] as const;
export type EncryptMode = (typeof encryptModes)[number];

/** The mechanism that a key must have for a mode. */
export const mechanismOfSignMode = {
  PKCS1: "RSA_Signature_PKCS1",
  PSS_MD5: "RSA_Signature_PSS_MD5",
  PSS_SHA1: "RSA_Signature_PSS_SHA1",
  PSS_SHA224: "RSA_Signature_PSS_SHA224",
  PSS_SHA256: "RSA_Signature_PSS_SHA256",
  PSS_SHA384: "RSA_Signature_PSS_SHA384",
  PSS_SHA512: "RSA_Signature_PSS_SHA512",
  EdDSA: "EdDSA_Signature",
  ECDSA: "ECDSA_Signature",
  BIP340: "BIP340_Signature",
} as const satisfies Record<SignMode, KeyMechanism>;

export const mechanismOfDecryptMode = {
  RAW: "RSA_Decryption_RAW",
  PKCS1: "RSA_Decryption_PKCS1",
  OAEP_MD5: "RSA_Decryption_OAEP_MD5",
  OAEP_SHA1: "RSA_Decryption_OAEP_SHA1",
  OAEP_SHA224: "RSA_Decryption_OAEP_SHA224",
  OAEP_SHA256: "RSA_Decryption_OAEP_SHA256",
  OAEP_SHA384: "RSA_Decryption_OAEP_SHA384",
  OAEP_SHA512: "RSA_Decryption_OAEP_SHA512",
  AES_CBC: "AES_Decryption_CBC",
} as const satisfies Record<DecryptMode, KeyMechanism>;

export const mechanismOfEncryptMode = { AES_CBC: "AES_Encryption_CBC" } as const satisfies Record<
  EncryptMode,
  KeyMechanism
>;

/** Bytes of the digest that a mode signs, where the mode alone decides it. */
export const digestBytesOfSignMode = {
  PSS_MD5: 16,
  PSS_SHA1: 20,
  PSS_SHA224: 28,
  PSS_SHA256: 32,
  PSS_SHA384: 48,
  PSS_SHA512: 64,
} as const satisfies Partial<Record<SignMode, number>>;

export interface KeyTypeRules {
  /** What generation accepts. */
  readonly mechanisms: readonly KeyMechanism[];
  /** Bits, where a length is to be chosen (then it is mandatory). */
  readonly length?: { readonly min: number; readonly max: number };
  /** Bytes of the digest that ECDSA signs, exactly (P-521 takes 64, not 66). */
  readonly ecdsaDigestBytes?: number;
  /** Bytes of the private scalar or seed on import. */
  readonly privateBytes?: number;
  /** Bytes of the public key: an uncompressed point, or 32 for Curve25519. */
  readonly publicBytes?: number;
  /** Releases that can make such a key; absent: all. */
  readonly releases?: "before 3.0" | "3.0 and later";
}

const startingWith = (prefix: string): readonly KeyMechanism[] =>
  keyMechanisms.filter((name) => name.startsWith(prefix));

/** A prime curve: `field` bytes a coordinate, `digest` bytes to sign. */
const curve = (field: number, digest: number) =>
  ({
    mechanisms: ["ECDSA_Signature"],
    ecdsaDigestBytes: digest,
    privateBytes: field,
    publicBytes: 1 + 2 * field,
  }) as const satisfies KeyTypeRules;

export const keyTypeRules: Readonly<Record<KeyType, KeyTypeRules>> = {
  RSA: { mechanisms: startingWith("RSA_"), length: { min: 1024, max: 8192 } },
  Curve25519: { mechanisms: ["EdDSA_Signature"], privateBytes: 32, publicBytes: 32 },
  EC_P224: { ...curve(28, 28), releases: "before 3.0" },
  EC_P256: curve(32, 32),
  EC_P256K1: { ...curve(32, 32), mechanisms: ["ECDSA_Signature", "BIP340_Signature"], releases: "3.0 and later" },
  EC_P384: curve(48, 48),
  EC_P521: curve(66, 64),
  BrainpoolP256: { ...curve(32, 32), releases: "3.0 and later" },
  BrainpoolP384: { ...curve(48, 48), releases: "3.0 and later" },
  BrainpoolP512: { ...curve(64, 64), releases: "3.0 and later" },
  Generic: { mechanisms: startingWith("AES_"), length: { min: 128, max: 8192 } },
};

/** The modes in which a key of this type can sign, given the right mechanism. */
export function signModesOf(type: KeyType): readonly SignMode[] {
  return signModes.filter((mode) => keyTypeRules[type].mechanisms.includes(mechanismOfSignMode[mode]));
}

/** Passphrases that the device accepts when they are set, in bytes. */
export const passphraseBytes = { min: 10, max: 200 } as const;

/** Longest key label, in bytes (release 5.0 and later). */
export const maxLabelBytes = 32;

export type PublicKeyData =
  | { readonly type: "RSA"; readonly modulus: Uint8Array; readonly publicExponent: Uint8Array }
  /** `data`: the uncompressed point `04 ∥ X ∥ Y`, or the 32 bytes of RFC 8032 for Curve25519. */
  | { readonly type: Exclude<KeyType, "RSA" | "Generic">; readonly data: Uint8Array };

/** A key as the device describes it. */
export interface KeyInfo {
  readonly type: KeyType;
  readonly mechanisms: readonly KeyMechanism[];
  /** Successful uses. A power loss can lose the last hour of them. */
  readonly operations: number;
  /** Undefined for Generic keys. */
  readonly publicKey: PublicKeyData | undefined;
  /** The device does not check tags given at generation or import, so these are plain strings. */
  readonly tags: readonly string[];
  readonly label: string | undefined;
}

export interface UserInfo {
  readonly realName: string;
  readonly role: Role;
}
