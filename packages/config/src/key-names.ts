/** How key types, mechanisms and signature types are spelt in a config, and what the NetHSM calls them. */
import type { KeyMechanism, KeyType, SignMode } from "@signstar/nethsm/types";

export const keyTypeNames = {
  Curve25519: "Curve25519",
  EcP224: "EC_P224",
  EcP256: "EC_P256",
  EcP384: "EC_P384",
  EcP521: "EC_P521",
  Generic: "Generic",
  Rsa: "RSA",
} as const satisfies Record<string, KeyType>;

export const mechanismNames = {
  AesDecryptionCbc: "AES_Decryption_CBC",
  AesEncryptionCbc: "AES_Encryption_CBC",
  EcdsaSignature: "ECDSA_Signature",
  EdDsaSignature: "EdDSA_Signature",
  RsaDecryptionOaepMd5: "RSA_Decryption_OAEP_MD5",
  RsaDecryptionOaepSha1: "RSA_Decryption_OAEP_SHA1",
  RsaDecryptionOaepSha224: "RSA_Decryption_OAEP_SHA224",
  RsaDecryptionOaepSha256: "RSA_Decryption_OAEP_SHA256",
  RsaDecryptionOaepSha384: "RSA_Decryption_OAEP_SHA384",
  RsaDecryptionOaepSha512: "RSA_Decryption_OAEP_SHA512",
  RsaDecryptionPkcs1: "RSA_Decryption_PKCS1",
  RsaDecryptionRaw: "RSA_Decryption_RAW",
  RsaSignaturePkcs1: "RSA_Signature_PKCS1",
  RsaSignaturePssMd5: "RSA_Signature_PSS_MD5",
  RsaSignaturePssSha1: "RSA_Signature_PSS_SHA1",
  RsaSignaturePssSha224: "RSA_Signature_PSS_SHA224",
  RsaSignaturePssSha256: "RSA_Signature_PSS_SHA256",
  RsaSignaturePssSha384: "RSA_Signature_PSS_SHA384",
  RsaSignaturePssSha512: "RSA_Signature_PSS_SHA512",
} as const satisfies Record<string, KeyMechanism>;

interface SignatureType {
  readonly keyType: keyof typeof keyTypeNames;
  readonly mechanism: keyof typeof mechanismNames;
  readonly mode: SignMode;
  /** Whether an OpenPGP v4 signature can be made of it. */
  readonly openpgp: boolean;
}

export const signatureTypes = {
  EcdsaP224: { keyType: "EcP224", mechanism: "EcdsaSignature", mode: "ECDSA", openpgp: false },
  EcdsaP256: { keyType: "EcP256", mechanism: "EcdsaSignature", mode: "ECDSA", openpgp: true },
  EcdsaP384: { keyType: "EcP384", mechanism: "EcdsaSignature", mode: "ECDSA", openpgp: true },
  EcdsaP521: { keyType: "EcP521", mechanism: "EcdsaSignature", mode: "ECDSA", openpgp: true },
  EdDsa: { keyType: "Curve25519", mechanism: "EdDsaSignature", mode: "EdDSA", openpgp: true },
  Pkcs1: { keyType: "Rsa", mechanism: "RsaSignaturePkcs1", mode: "PKCS1", openpgp: true },
  PssMd5: { keyType: "Rsa", mechanism: "RsaSignaturePssMd5", mode: "PSS_MD5", openpgp: false },
  PssSha1: { keyType: "Rsa", mechanism: "RsaSignaturePssSha1", mode: "PSS_SHA1", openpgp: false },
  PssSha224: { keyType: "Rsa", mechanism: "RsaSignaturePssSha224", mode: "PSS_SHA224", openpgp: false },
  PssSha256: { keyType: "Rsa", mechanism: "RsaSignaturePssSha256", mode: "PSS_SHA256", openpgp: false },
  PssSha384: { keyType: "Rsa", mechanism: "RsaSignaturePssSha384", mode: "PSS_SHA384", openpgp: false },
  PssSha512: { keyType: "Rsa", mechanism: "RsaSignaturePssSha512", mode: "PSS_SHA512", openpgp: false },
} as const satisfies Record<string, SignatureType>;

export type KeyTypeName = keyof typeof keyTypeNames;
export type MechanismName = keyof typeof mechanismNames;

/** Whether a key of this type can have this mechanism. */
export function mechanismFits(type: KeyTypeName, mechanism: MechanismName): boolean {
  switch (type) {
    case "Curve25519":
      return mechanism === "EdDsaSignature";
    case "EcP224":
    case "EcP256":
    case "EcP384":
    case "EcP521":
      return mechanism === "EcdsaSignature";
    case "Generic":
      return mechanism.startsWith("Aes");
    case "Rsa":
      return mechanism.startsWith("Rsa");
  }
}

/** The names of a table, with their types kept. */
export function namesOf<K extends string>(table: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(table).filter((name): name is K => Object.hasOwn(table, name));
}
