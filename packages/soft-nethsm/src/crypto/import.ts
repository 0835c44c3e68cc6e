/** Private keys from outside: numbers in JSON, or PEM. */
import { checkPrime, createPrivateKey } from "node:crypto";
import { promisify } from "node:util";
import type { KeyType } from "@signstar/nethsm/types";
import { DerError } from "@signstar/primitives/der";
import { Refusal } from "../http.ts";
import { has, type Release } from "../release.ts";
import { curves } from "./curves.ts";
import { curveKey, ed25519Key, type KeyPair, keyPairOf, MaterialError, numberOf, rsaKey } from "./material.ts";

const isPrime = promisify(checkPrime);

/** Decoded members of `private`; which of them must be there depends on the type. */
export interface PrivateMembers {
  readonly primeP: Uint8Array | undefined;
  readonly primeQ: Uint8Array | undefined;
  readonly publicExponent: Uint8Array | undefined;
  readonly data: Uint8Array | undefined;
}

/** Whether this release has keys of this type. */
export function isKnownType(type: KeyType, release: Release): boolean {
  if (type === "EC_P224") return !has(release, "newCurves");
  return has(release, "newCurves") || !(type === "EC_P256K1" || type.startsWith("Brainpool"));
}

/** Throws Refusal 400. */
export async function importNumbers(type: Exclude<KeyType, "Generic">, given: PrivateMembers): Promise<KeyPair> {
  if (type === "RSA") {
    const { primeP, primeQ, publicExponent } = given;
    if (primeP === undefined || primeQ === undefined || publicExponent === undefined || given.data !== undefined) {
      throw new Refusal(400, "RSA keys need primeP, primeQ and publicExponent.");
    }
    return importRsa(numberOf(primeP), numberOf(primeQ), numberOf(publicExponent));
  }
  const size = type === "Curve25519" ? 32 : curves[type].size;
  if ((given.data?.length !== size || given.primeP) ?? given.primeQ ?? given.publicExponent) {
    throw new Refusal(400, `Private key of type ${type} must have exactly ${size} bytes of data.`);
  }
  const data = given.data;
  return refusing(() => (type === "Curve25519" ? ed25519Key(data) : curveKey(type, data)));
}

/** PKCS#8, PKCS#1 or SEC 1; unencrypted, nothing else in the file. Throws Refusal 400. */
export async function importPem(pem: string, release: Release): Promise<KeyPair> {
  const one = /^\s*-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*$/;
  if (!one.test(pem)) throw new Refusal(400, "Key file is not exactly one unencrypted private key in PEM.");
  const key = refusing(() => keyPairOf(createPrivateKey(pem)));
  if (!isKnownType(key.type, release)) throw new Refusal(400, `Key type ${key.type} is not supported.`);
  // The scalar alone decides, whatever public key the file claims.
  if ("scalar" in key) return refusing(() => curveKey(key.type, key.scalar));
  return key.type === "RSA" ? requireConsistent(key) : key;
}

/** OpenSSL takes the numbers of an RSA key as they are; here everything must follow from the primes. */
async function requireConsistent(key: KeyPair): Promise<KeyPair> {
  const given = key.privateKey.export({ format: "jwk" });
  const number = (name: "p" | "q" | "e") => numberOf(Buffer.from(given[name] ?? "", "base64url"));
  const rebuilt = await importRsa(number("p"), number("q"), number("e"));
  const own = rebuilt.privateKey.export({ format: "jwk" });
  // The private exponent is left out: it may be taken modulo φ(n) or λ(n).
  if ((["n", "dp", "dq", "qi"] as const).some((name) => own[name] !== given[name])) {
    throw new Refusal(400, "Invalid RSA key: its numbers do not belong together.");
  }
  return rebuilt;
}

async function importRsa(p: bigint, q: bigint, e: bigint): Promise<KeyPair> {
  const invalid = (why: string) => new Refusal(400, `Invalid RSA key: ${why}.`);
  if (p === q) throw invalid("the primes are equal");
  // A prime of more bits than any key we could make takes minutes to check.
  if (p >> 8192n || q >> 8192n || e >> 8192n) throw invalid("a number is too long");
  if (e < 3n) throw invalid("the public exponent is too small");
  for (const [name, number] of Object.entries({ primeP: p, primeQ: q, publicExponent: e })) {
    if (!(await isPrime(number))) throw invalid(`${name} is not prime`);
  }
  const d = inverse(e, lcm(p - 1n, q - 1n));
  const qInverse = inverse(q, p);
  if (d === undefined || qInverse === undefined) throw invalid("the public exponent does not fit the primes");
  return refusing(() => rsaKey([p * q, e, d, p, q, d % (p - 1n), d % (q - 1n), qInverse]));
}

function refusing<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof MaterialError || cause instanceof DerError)
      throw new Refusal(400, `Invalid key: ${cause.message}.`);
    // OpenSSL's words about the bytes would tell nothing and could tell too much.
    throw new Refusal(400, "Invalid key data.");
  }
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

function lcm(a: bigint, b: bigint): bigint {
  return (a / gcd(a, b)) * b;
}

/** Extended Euclid; undefined if there is none. */
function inverse(value: bigint, modulus: bigint): bigint | undefined {
  let [r0, r1, s0, s1] = [modulus, value % modulus, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1, s0, s1] = [r1, r0 - quotient * r1, s1, s0 - quotient * s1];
  }
  return r0 === 1n ? ((s0 % modulus) + modulus) % modulus : undefined;
}
