/** Private keys in PKCS #8 as a device takes them: numbers, not containers. */
import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { type KeyType, keyTypeRules } from "@signstar/nethsm/types";
import { leftPad } from "@signstar/primitives/bytes";
import { DerReader, Tag } from "@signstar/primitives/der";
import { Secret } from "@signstar/primitives/secret";
import { CliError } from "./errors.ts";

export type PrivateKey =
  | { readonly type: "RSA"; readonly primeP: Secret; readonly primeQ: Secret; readonly publicExponent: Uint8Array }
  | { readonly type: Exclude<KeyType, "RSA">; readonly data: Secret };

/** OpenSSL's names of the curves. */
const curves: Readonly<Partial<Record<KeyType, string>>> = {
  EC_P224: "secp224r1",
  EC_P256: "prime256v1",
  EC_P256K1: "secp256k1",
  EC_P384: "secp384r1",
  EC_P521: "secp521r1",
  BrainpoolP256: "brainpoolP256r1",
  BrainpoolP384: "brainpoolP384r1",
  BrainpoolP512: "brainpoolP512r1",
};

/** The key in `file`, which is wiped. Generic keys are the bytes themselves. Throws CliError `not-a-key` (65). */
export function importedKey(type: KeyType, file: Secret, format: "der" | "pem"): PrivateKey {
  if (type === "Generic") return { type, data: file };
  using own = file;
  const key = parseKey(own, format);
  if (type === "RSA") return rsaKey(key);
  const isEd25519 = key.asymmetricKeyType === "ed25519";
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (type === "Curve25519" ? !isEd25519 : curve === undefined || curve !== curves[type]) throw otherType(key, type);
  return { type, data: type === "Curve25519" ? seedOf(key) : scalarOf(key, keyTypeRules[type].privateBytes ?? 0) };
}

function parseKey(file: Secret, format: "der" | "pem"): KeyObject {
  try {
    return file.use((bytes) => {
      const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      return createPrivateKey(format === "pem" ? { key, format } : { key, format, type: "pkcs8" });
    });
  } catch (cause) {
    throw new CliError("not-a-key", `the file is not an unencrypted private key in PKCS #8 (${format.toUpperCase()})`, {
      cause,
      hint: "convert it: openssl pkcs8 -topk8 -nocrypt",
    });
  }
}

function rsaKey(key: KeyObject): PrivateKey {
  if (key.asymmetricKeyType !== "rsa") throw otherType(key, "RSA");
  const jwk = key.export({ format: "jwk" });
  const primes = [numberOf(jwk, "p"), numberOf(jwk, "q")] as const;
  return {
    type: "RSA",
    primeP: Secret.take(primes[0]),
    primeQ: Secret.take(primes[1]),
    publicExponent: numberOf(jwk, "e"),
  };
}

function numberOf(jwk: JsonWebKey, member: "p" | "q" | "e" | "d"): Uint8Array {
  return new Uint8Array(Buffer.from(jwk[member] ?? "", "base64url"));
}

function seedOf(key: KeyObject): Secret {
  return Secret.take(leftPad(numberOf(key.export({ format: "jwk" }), "d"), 32));
}

/** From SEC 1's ECPrivateKey, which knows the curves that JWK does not. */
function scalarOf(key: KeyObject, length: number): Secret {
  const der = new Uint8Array(key.export({ format: "der", type: "sec1" }));
  const inner = new DerReader(new DerReader(der).read(Tag.sequence));
  inner.readUint();
  const scalar = Secret.take(leftPad(inner.read(Tag.octetString), length));
  der.fill(0);
  return scalar;
}

function otherType(key: KeyObject, type: KeyType): CliError {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const found = [key.asymmetricKeyType, curve].filter((part) => part !== undefined).join(" ");
  return new CliError("not-a-key", `the file has a key of type ${found}, not ${type}`);
}
