/** PKCS#10 requests (RFC 2986) and self-signed certificates (RFC 5280) for keys of the device. */
import { randomBytes, sign as signData } from "node:crypto";
import { concat, toUtf8 } from "@signstar/primitives/bytes";
import { derElement, derUint, Tag } from "@signstar/primitives/der";
import { bitString, explicit, octets, oid, sequence, set, utf8 } from "@signstar/primitives/der-elements";
import { toPem } from "@signstar/primitives/pem";
import { addressBytes, ipVersion } from "../ip.ts";
import { type KeyPair, spki } from "./material.ts";

export interface DistinguishedName {
  readonly commonName: string;
  readonly countryName?: string | undefined;
  readonly localityName?: string | undefined;
  readonly stateOrProvinceName?: string | undefined;
  readonly organizationName?: string | undefined;
  readonly organizationalUnitName?: string | undefined;
  readonly emailAddress?: string | undefined;
}

/** In the order in which the device writes them. */
const attributes = [
  ["commonName", "2.5.4.3"],
  ["countryName", "2.5.4.6"],
  ["localityName", "2.5.4.7"],
  ["stateOrProvinceName", "2.5.4.8"],
  ["organizationName", "2.5.4.10"],
  ["organizationalUnitName", "2.5.4.11"],
  ["emailAddress", "1.2.840.113549.1.9.1"],
] as const;

const printableString = 0x13;
const ia5String = 0x16;

/**
 * The request as PEM. `alternatives` are DNS names and, if `addresses` is set, addresses behind `IP:`; an empty list
 * leaves the extension out.
 */
export function certificateRequest(
  key: KeyPair,
  subject: DistinguishedName,
  alternatives: readonly string[],
  addresses: boolean,
): string {
  const extension = sequence(
    oid("2.5.29.17"),
    octets(sequence(...alternatives.map((name) => alternativeName(name, addresses)))),
  );
  const request = sequence(oid("1.2.840.113549.1.9.14"), set(sequence(extension)));
  const info = sequence(
    derUint(new Uint8Array(0)),
    nameOf(subject),
    spki(key),
    alternatives.length === 0 ? explicit(0) : explicit(0, request),
  );
  return toPem("CERTIFICATE REQUEST", signed(key, info));
}

/** A certificate as DER, valid from 1970 to 9999, as the device makes for itself. */
export function selfSigned(key: KeyPair, commonName: string): Uint8Array {
  const name = nameOf({ commonName });
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const info = sequence(
    explicit(0, derUint(Uint8Array.of(2))),
    derUint(serial),
    algorithmOf(key).identifier,
    name,
    sequence(derElement(0x17, toUtf8("700101000000Z")), derElement(0x18, toUtf8("99991231235959Z"))),
    name,
    spki(key),
  );
  return signed(key, info);
}

function nameOf(name: DistinguishedName): Uint8Array {
  const parts = attributes.map(([field, id]) => {
    const value = name[field];
    return value === undefined || value === ""
      ? new Uint8Array(0)
      : set(sequence(oid(id), attributeValue(field, value)));
  });
  return sequence(...parts);
}

/** RFC 5280 A.1: countries are PrintableString, mail addresses IA5String; where that cannot be, and else, UTF-8. */
function attributeValue(field: (typeof attributes)[number][0], value: string): Uint8Array {
  if (field === "countryName" && /^[A-Za-z0-9 '()+,./:=?-]*$/.test(value)) {
    return derElement(printableString, toUtf8(value));
  }
  if (field === "emailAddress" && /^[\x00-\x7f]*$/.test(value)) return derElement(ia5String, toUtf8(value));
  return utf8(value);
}

/** RFC 5280 §4.2.1.6; what is no address after `IP:` falls back to a DNS name. */
function alternativeName(name: string, addresses: boolean): Uint8Array {
  const address = addresses && name.startsWith("IP:") ? name.slice(3) : "";
  return ipVersion(address) === 0 ? derElement(0x82, toUtf8(name)) : derElement(0x87, addressBytes(address));
}

function signed(key: KeyPair, info: Uint8Array): Uint8Array {
  const { identifier, hash } = algorithmOf(key);
  return sequence(info, identifier, bitString(new Uint8Array(signData(hash, info, key.privateKey))));
}

const ecdsaWith = {
  sha224: "1.2.840.10045.4.3.1",
  sha256: "1.2.840.10045.4.3.2",
  sha384: "1.2.840.10045.4.3.3",
  sha512: "1.2.840.10045.4.3.4",
} as const;

function algorithmOf(key: KeyPair): { identifier: Uint8Array; hash: string | null } {
  if (key.type === "Curve25519") return { identifier: sequence(oid("1.3.101.112")), hash: null };
  if (key.type === "RSA") {
    const nothing = derElement(Tag.null);
    return { identifier: sequence(concat(oid("1.2.840.113549.1.1.11"), nothing)), hash: "sha256" };
  }
  return { identifier: sequence(oid(ecdsaWith[key.curve.hash])), hash: key.curve.hash };
}
