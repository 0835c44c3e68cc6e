/** What the device would refuse in few words or none is refused here, before it is asked. */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { fromUtf8 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import { invalidArgument } from "./errors.ts";
import {
  digestBytesOfSignMode,
  type KeyMechanism,
  type KeyType,
  keyTypeRules,
  passphraseBytes,
  type SignMode,
} from "./types.ts";

/** A passphrase to be set. `what`: "admin passphrase". */
export function requireNewPassphrase(what: string, passphrase: Secret): void {
  const { min, max } = passphraseBytes;
  if (passphrase.length < min || passphrase.length > max) {
    throw invalidArgument(`${what} has ${passphrase.length} bytes, a NetHSM takes ${min} to ${max}`);
  }
  requireText(what, passphrase);
}

/** Passphrases travel in JSON. */
export function requireText(what: string, passphrase: Secret): void {
  try {
    passphrase.use(fromUtf8);
  } catch {
    throw invalidArgument(`${what} is not UTF-8 text`);
  }
}

export function requireBytes(what: string, bytes: Uint8Array, max: number): void {
  if (bytes.length > max) throw invalidArgument(`${what} has ${bytes.length} bytes, a NetHSM takes at most ${max}`);
}

export function requireInteger(what: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalidArgument(`${what} is ${value}, a NetHSM takes ${min} to ${max}`);
  }
}

/** What generation would refuse: no mechanism, one of another type, a length that is missing or out of bounds. */
export function requireKeyShape(type: KeyType, mechanisms: readonly KeyMechanism[], length: number | undefined): void {
  const rules = keyTypeRules[type];
  if (mechanisms.length === 0) throw invalidArgument(`key of type ${type} is given no mechanism`);
  const foreign = mechanisms.find((mechanism) => !rules.mechanisms.includes(mechanism));
  if (foreign !== undefined) {
    throw invalidArgument(
      `mechanism ${foreign} does not go with key type ${type}`,
      `choose from ${rules.mechanisms.join(", ")}`,
    );
  }
  if (rules.length === undefined) return;
  if (length === undefined) throw invalidArgument(`key of type ${type} is given no length`);
  requireInteger(`length of the ${type} key in bits`, length, rules.length.min, rules.length.max);
}

/** Padding of PKCS #1 type 1 takes at least 11 bytes of the longest modulus. */
const longestDigestInfo = 8192 / 8 - 11;

const ecdsaDigestBytes = [...new Set(Object.values(keyTypeRules).map((rules) => rules.ecdsaDigestBytes))].filter(
  (bytes) => bytes !== undefined,
);

/** A message that no key could sign in this mode. The key's own size is the device's to check. */
export function requireSignable(mode: SignMode, message: Uint8Array): void {
  requireBytes("message", message, 50_000_000);
  if (mode === "PKCS1" && message.length > longestDigestInfo) {
    throw invalidArgument(
      `DigestInfo has ${message.length} bytes, at most ${longestDigestInfo} fit`,
      "PKCS1 signs a digest with its DER header, not the file",
    );
  }
  if (mode === "ECDSA" && !ecdsaDigestBytes.includes(message.length)) {
    throw invalidArgument(
      `digest to sign by ECDSA has ${message.length} bytes`,
      `it has as many as the curve wants: ${ecdsaDigestBytes.join(", ")}`,
    );
  }
  const pss: Partial<Record<SignMode, number>> = digestBytesOfSignMode;
  const wanted = pss[mode];
  if (wanted !== undefined && message.length !== wanted) {
    throw invalidArgument(`digest to sign by ${mode} has ${message.length} bytes, not ${wanted}`);
  }
}

export function requireBlocks(what: string, bytes: Uint8Array): void {
  if (bytes.length % 16 !== 0)
    throw invalidArgument(`${what} has ${bytes.length} bytes, not a multiple of 16`, "pad it first");
}

export function requireIv(iv: Uint8Array): void {
  if (iv.length !== 16) throw invalidArgument(`initialisation vector has ${iv.length} bytes, not 16`);
}

export function requireAddress(what: string, address: string): void {
  if (isIP(address) === 0) throw invalidArgument(`${what} ${JSON.stringify(address)} is not an IP address`);
}

export function requireIpv4(what: string, address: string): void {
  if (!isIPv4(address)) throw invalidArgument(`${what} ${JSON.stringify(address)} is not an IPv4 address`);
}

export function requireNetmask(mask: string): void {
  requireIpv4("netmask", mask);
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  if (!/^1*0*$/.test(bits)) throw invalidArgument(`netmask ${mask} has a gap in its bits`);
}

export function requireIpv6Cidr(cidr: string): void {
  const [, address = "", prefix = ""] = /^([^/]*)\/(\d{1,3})$/.exec(cidr) ?? [];
  if (!isIPv6(address) || Number(prefix) > 128) {
    throw invalidArgument(
      `${JSON.stringify(cidr)} is not an IPv6 address with prefix length`,
      "write it as fd00::5/64",
    );
  }
}

export function requireIpv6(what: string, address: string): void {
  if (!isIPv6(address)) throw invalidArgument(`${what} ${JSON.stringify(address)} is not an IPv6 address`);
}

export function requirePemCertificate(what: string, pem: string): void {
  if (!/^-----BEGIN CERTIFICATE-----\r?$/m.test(pem)) throw invalidArgument(`${what} is not a PEM certificate`);
}
