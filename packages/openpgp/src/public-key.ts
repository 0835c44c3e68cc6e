/** Version 4 public keys (RFC 9580 §5.5.2.2) of the three kinds that sign here. */
import { createHash } from "node:crypto";
import { concat, equal, stripLeadingZeros, u16be, u32be } from "@signstar/primitives/bytes";
import { OpenPgpError } from "./error.ts";
import { bitLength, encodeMpi, readMpi } from "./mpi.ts";
import { ByteReader } from "./reader.ts";

export type Curve = "P-256" | "P-384" | "P-521";

export type KeyMaterial =
  | { readonly algorithm: "EdDSALegacy"; readonly point: Uint8Array /* 32 bytes */ }
  | { readonly algorithm: "ECDSA"; readonly curve: Curve; readonly point: Uint8Array /* 04‖X‖Y */ }
  | { readonly algorithm: "RSA"; readonly modulus: Uint8Array; readonly exponent: Uint8Array /* big endian */ };

export type Algorithm = KeyMaterial["algorithm"];

export interface PublicKey {
  readonly version: 4;
  /** Seconds since 1970. */
  readonly creationTime: number;
  readonly material: KeyMaterial;
  /** 20 bytes. */
  readonly fingerprint: Uint8Array;
  /** 8 bytes: the end of the fingerprint. */
  readonly keyId: Uint8Array;
  /** Of the packet, as hashed and written. */
  readonly body: Uint8Array;
}

/** Identifiers of RFC 9580 §9.1. */
export const algorithmIds = { RSA: 1, ECDSA: 19, EdDSALegacy: 22 } as const satisfies Record<Algorithm, number>;

const ed25519Oid = Uint8Array.of(0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01);

/** RFC 9580 §9.2: object identifiers without tag and length; sizes are those of one coordinate in bytes. */
const curves: Readonly<Record<Curve, { readonly oid: Uint8Array; readonly size: number }>> = {
  "P-256": { oid: Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07), size: 32 },
  "P-384": { oid: Uint8Array.of(0x2b, 0x81, 0x04, 0x00, 0x22), size: 48 },
  "P-521": { oid: Uint8Array.of(0x2b, 0x81, 0x04, 0x00, 0x23), size: 66 },
};
const curveNames = ["P-256", "P-384", "P-521"] as const satisfies readonly Curve[];

/** Below 2048 bits verifiers refuse the key; 8192 is the largest of a NetHSM. */
const rsaBits = { min: 2048, max: 8192 } as const;

/** The key's packet body, fingerprint and key id. Throws OpenPgpError if the material is no key of its kind. */
export function makePublicKey(material: KeyMaterial, creationTime: number): PublicKey {
  if (!Number.isInteger(creationTime) || creationTime < 0 || creationTime > 0xffff_ffff) {
    throw new OpenPgpError("invalid-argument", `creation time ${creationTime} is not in 0 to 2^32 - 1 seconds`);
  }
  checkMaterial(material);
  const body = concat(
    Uint8Array.of(4),
    u32be(creationTime),
    Uint8Array.of(algorithmIds[material.algorithm]),
    encodeMaterial(material),
  );
  let made: Uint8Array | undefined;
  return {
    version: 4,
    creationTime,
    material,
    // Not before it is asked for: who only hands a certificate on needs no hash.
    get fingerprint() {
      made ??= new Uint8Array(createHash("sha1").update(hashedKey(body)).digest());
      return made;
    },
    get keyId() {
      return this.fingerprint.slice(12);
    },
    body,
  };
}

/** Reads the body of a public key packet: exactly one spelling per key. Throws OpenPgpError. */
export function parsePublicKey(body: Uint8Array): PublicKey {
  const reader = new ByteReader(body, "public key");
  const version = reader.u8();
  if (version !== 4) throw new OpenPgpError("unsupported", `public key of version ${version}, only version 4 is read`);
  const creationTime = reader.u32();
  const material = readMaterial(reader, reader.u8());
  reader.end();
  const key = makePublicKey(material, creationTime);
  if (!equal(key.body, body)) throw new OpenPgpError("malformed", "public key is not written in the one right way");
  return key;
}

/** How a key enters a hash (RFC 9580 §5.2.4): 0x99, two bytes of length, the body. */
export function hashedKey(body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x99), u16be(body.length), body);
}

/** Whether it is the same key. Never throws, whatever numbers a device may have sent. */
export function sameMaterial(a: KeyMaterial, b: KeyMaterial): boolean {
  if (a.algorithm === "RSA" && b.algorithm === "RSA") {
    return sameNumber(a.modulus, b.modulus) && sameNumber(a.exponent, b.exponent);
  }
  if (a.algorithm === "ECDSA" && b.algorithm === "ECDSA") return a.curve === b.curve && equal(a.point, b.point);
  return a.algorithm === "EdDSALegacy" && b.algorithm === "EdDSALegacy" && equal(a.point, b.point);
}

function sameNumber(a: Uint8Array, b: Uint8Array): boolean {
  return equal(stripLeadingZeros(a), stripLeadingZeros(b));
}

function encodeMaterial(material: KeyMaterial): Uint8Array {
  switch (material.algorithm) {
    case "EdDSALegacy":
      // 0x40 says: what follows is the point in its native form.
      return concat(oidField(ed25519Oid), encodeMpi(concat(Uint8Array.of(0x40), material.point)));
    case "ECDSA":
      return concat(oidField(curves[material.curve].oid), encodeMpi(material.point));
    case "RSA":
      return concat(encodeMpi(material.modulus), encodeMpi(material.exponent));
  }
}

function readMaterial(reader: ByteReader, algorithm: number): KeyMaterial {
  if (algorithm === algorithmIds.RSA) return { algorithm: "RSA", modulus: readMpi(reader), exponent: readMpi(reader) };
  if (algorithm !== algorithmIds.ECDSA && algorithm !== algorithmIds.EdDSALegacy) {
    throw new OpenPgpError("unsupported", `public key algorithm ${algorithm} does not sign here`);
  }
  const oid = reader.take(reader.u8());
  const point = readMpi(reader);
  if (algorithm === algorithmIds.EdDSALegacy && equal(oid, ed25519Oid)) {
    if (point[0] !== 0x40) throw new OpenPgpError("malformed", "Ed25519 point does not begin with 0x40");
    return { algorithm: "EdDSALegacy", point: point.subarray(1) };
  }
  const curve = curveNames.find((name) => equal(oid, curves[name].oid));
  if (algorithm !== algorithmIds.ECDSA || curve === undefined) {
    throw new OpenPgpError("unsupported", "public key is on a curve that does not sign here");
  }
  return { algorithm: "ECDSA", curve, point };
}

function checkMaterial(material: KeyMaterial): void {
  if (material.algorithm === "EdDSALegacy") {
    demand(material.point.length === 32, "malformed", "Ed25519 point is not 32 bytes long");
  } else if (material.algorithm === "ECDSA") {
    const { curve, point } = material;
    const { size } = curves[curve];
    const isUncompressed = point.length === 1 + 2 * size && point[0] === 4;
    demand(isUncompressed, "malformed", `${curve} point is not 04 and two coordinates of ${size} bytes`);
  } else {
    const { modulus, exponent } = material;
    const bits = bitLength(modulus);
    const fits = bits >= rsaBits.min && bits <= rsaBits.max;
    demand(fits, "unsupported", `RSA key of ${bits} bits, ${rsaBits.min} to ${rsaBits.max} sign here`);
    demand(isOdd(modulus), "malformed", "RSA modulus is even");
    // OpenSSL verifies with at most 64 bits; with 1 every message would be its own signature.
    const exponentBits = bitLength(exponent);
    demand(exponentBits >= 2 && isOdd(exponent), "malformed", "RSA exponent is even or less than 3");
    demand(exponentBits <= 64, "unsupported", `RSA exponent of ${exponentBits} bits, at most 64 verify everywhere`);
  }
}

function demand(condition: boolean, code: "malformed" | "unsupported", message: string): void {
  if (!condition) throw new OpenPgpError(code, message);
}

function isOdd(number: Uint8Array): boolean {
  return ((stripLeadingZeros(number).at(-1) ?? 0) & 1) === 1;
}

function oidField(oid: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(oid.length), oid);
}
