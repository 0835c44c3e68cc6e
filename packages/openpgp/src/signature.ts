/** Detached signatures over files: made around a digest, and read back. */
import { concat, leftPad, u32be } from "@signstar/primitives/bytes";
import { OpenPgpError } from "./error.ts";
import {
  type Hasher,
  prepareSignature,
  type RawSignature,
  SignatureType,
  trailer,
  type UnfinishedSignature,
} from "./framing.ts";
import { readMpi } from "./mpi.ts";
import { PacketTag, readPackets } from "./packet.ts";
import { algorithmIds, type PublicKey } from "./public-key.ts";
import { ByteReader } from "./reader.ts";
import {
  binaryNotation,
  isUnknownCritical,
  type Notation,
  parseNotation,
  parseSubpackets,
  type Subpacket,
  SubpacketType,
  subpacket,
} from "./subpacket.ts";

export { type Hasher, type RawSignature, SignatureType, type UnfinishedSignature } from "./framing.ts";

/** Carries the SHA-512 of the signed file, so that a signature tells what it is for. */
export const dataDigestNotation = "data-digest@archlinux.org";

/** Identifiers of RFC 9580 §9.5, names as node:crypto has them. SHA-1 is read so that old revocations are seen. */
const hashNames = { 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512" } as const;
export type HashName = (typeof hashNames)[keyof typeof hashNames];

export interface ParsedSignature {
  readonly version: 4;
  /** RFC 9580 §5.2.1; `SignatureType` names those that matter here. */
  readonly type: number;
  readonly algorithm: RawSignature["algorithm"];
  readonly hash: HashName;
  /** Seconds since 1970. */
  readonly creationTime: number;
  /** Seconds after its creation at which the signature ends; undefined: never. */
  readonly expiresAfter: number | undefined;
  readonly issuerFingerprint: Uint8Array | undefined;
  /** Possibly from the part that is not signed: a hint, not a proof. */
  readonly issuerKeyId: Uint8Array | undefined;
  readonly notations: readonly Notation[];
  /** The 64 bytes of the one `data-digest@archlinux.org` notation, if there is one. */
  readonly dataDigest: Uint8Array | undefined;
  /** Seconds after the key's creation at which the key ends; undefined: never. */
  readonly keyExpiresAfter: number | undefined;
  /** First octet of the key flags; undefined if there are none. */
  readonly keyFlags: number | undefined;
  readonly isPrimaryUserId: boolean;
  /** RFC 9580 §5.2.3.31; undefined if none is given. */
  readonly revocationReason: number | undefined;
  /** It has a critical subpacket that we do not know, and so counts for nothing. */
  readonly hasUnknownCritical: boolean;
  readonly left16: Uint8Array;
  readonly raw: RawSignature;
  /** The signed digest; `hasher` is of `hash` and has seen what the signature covers. It is finished here. */
  digestWith(hasher: Hasher): Uint8Array;
}

/**
 * A binary document signature with these hashed subpackets, in this order and none critical: creation time, issuer
 * key id, issuer fingerprint, data digest. Nothing is unhashed. `hasher` is SHA-512, has seen the data and is finished
 * here; `dataDigest` is the data's own SHA-512; `creationTime` in seconds.
 */
export function prepareDetachedSignature(input: {
  readonly key: PublicKey;
  readonly creationTime: number;
  readonly dataDigest: Uint8Array;
  readonly hasher: Hasher;
}): UnfinishedSignature {
  const { key, creationTime, dataDigest, hasher } = input;
  if (dataDigest.length !== 64) throw new OpenPgpError("invalid-argument", "data digest is not 64 bytes long");
  return prepareSignature({
    key,
    type: SignatureType.binary,
    hashed: [
      subpacket(SubpacketType.creationTime, u32be(creationTime)),
      subpacket(SubpacketType.issuerKeyId, key.keyId),
      subpacket(SubpacketType.issuerFingerprint, concat(Uint8Array.of(key.version), key.fingerprint)),
      binaryNotation(dataDigestNotation, dataDigest),
    ],
    unhashed: [],
    hasher,
  });
}

/** Reads exactly one binary signature packet. Throws OpenPgpError. */
export function parseSignature(packet: Uint8Array): ParsedSignature {
  const [only, ...others] = readPackets(new Uint8Array(packet), 2);
  if (only?.tag !== PacketTag.signature || others.length > 0) {
    throw new OpenPgpError("malformed", "this is not one signature packet");
  }
  return parseSignatureBody(only.body);
}

/** Keeps views of `body`. An unknown version, algorithm or hash throws OpenPgpError with code `unsupported`. */
export function parseSignatureBody(body: Uint8Array): ParsedSignature {
  const reader = new ByteReader(body, "signature");
  const version = reader.u8();
  if (version !== 4) throw new OpenPgpError("unsupported", `signature of version ${version}, only version 4 is read`);
  const type = reader.u8();
  const algorithm = algorithmOf(reader.u8());
  const hash = hashOf(reader.u8());
  const hashedLength = reader.u16();
  const hashed = parseSubpackets(reader.take(hashedLength));
  const head = body.subarray(0, 6 + hashedLength);
  const unhashed = parseSubpackets(reader.take(reader.u16()));
  const left16 = reader.take(2);
  const raw = readRaw(reader, algorithm);
  reader.end();
  return {
    version,
    type,
    algorithm,
    hash,
    ...properties(hashed, unhashed),
    left16,
    raw,
    digestWith(hasher) {
      hasher.update(head);
      hasher.update(trailer(head.length));
      return hasher.digest();
    },
  };
}

/** What the subpackets say. Where one comes twice the last counts (RFC 9580 §5.2.3.9), except for the data digest. */
function properties(hashed: readonly Subpacket[], unhashed: readonly Subpacket[]) {
  const creationTime = lastU32(hashed, SubpacketType.creationTime);
  if (creationTime === undefined) throw new OpenPgpError("malformed", "signature has no signed creation time");
  const notations = hashed.filter(({ type }) => type === SubpacketType.notation).map(({ body }) => parseNotation(body));
  return {
    creationTime,
    expiresAfter: lastU32(hashed, SubpacketType.signatureExpiration) || undefined, // 0 means never
    issuerFingerprint: fingerprintOf(last(hashed, SubpacketType.issuerFingerprint)),
    issuerKeyId: lastOf(hashed, SubpacketType.issuerKeyId, 8) ?? lastOf(unhashed, SubpacketType.issuerKeyId, 8),
    notations,
    dataDigest: dataDigestOf(notations),
    keyExpiresAfter: lastU32(hashed, SubpacketType.keyExpiration) || undefined,
    // An empty list of flags is one without any.
    keyFlags: flagsOf(last(hashed, SubpacketType.keyFlags)),
    isPrimaryUserId: (lastOf(hashed, SubpacketType.primaryUserId, 1)?.[0] ?? 0) !== 0,
    revocationReason: last(hashed, SubpacketType.revocationReason)?.[0],
    hasUnknownCritical: hashed.some(isUnknownCritical),
  };
}

function dataDigestOf(notations: readonly Notation[]): Uint8Array | undefined {
  const [digest, ...others] = notations.filter(({ name }) => name === dataDigestNotation);
  if (digest === undefined) return undefined;
  if (others.length > 0 || digest.value.length !== 64) {
    throw new OpenPgpError("malformed", "signature has more than one data digest, or not one of 64 bytes");
  }
  return digest.value;
}

function fingerprintOf(body: Uint8Array | undefined): Uint8Array | undefined {
  if (body === undefined) return undefined;
  if (body[0] !== 4) throw new OpenPgpError("unsupported", "issuer fingerprint is not of a version 4 key");
  if (body.length !== 21) throw new OpenPgpError("malformed", "issuer fingerprint is not 20 bytes long");
  return body.subarray(1);
}

function flagsOf(body: Uint8Array | undefined): number | undefined {
  return body === undefined ? undefined : (body[0] ?? 0);
}

function last(subpackets: readonly Subpacket[], type: number): Uint8Array | undefined {
  return subpackets.findLast((each) => each.type === type)?.body;
}

function lastOf(subpackets: readonly Subpacket[], type: number, length: number): Uint8Array | undefined {
  const body = last(subpackets, type);
  if (body !== undefined && body.length !== length) {
    throw new OpenPgpError("malformed", `subpacket ${type} is not ${length} bytes long`);
  }
  return body;
}

function lastU32(subpackets: readonly Subpacket[], type: number): number | undefined {
  const body = lastOf(subpackets, type, 4);
  return body === undefined ? undefined : new ByteReader(body, "time").u32();
}

function readRaw(reader: ByteReader, algorithm: RawSignature["algorithm"]): RawSignature {
  if (algorithm === "RSA") return { algorithm, s: readMpi(reader) };
  const [r, s] = [readMpi(reader), readMpi(reader)];
  if (algorithm === "ECDSA") return { algorithm, r, s };
  if (r.length > 32 || s.length > 32)
    throw new OpenPgpError("malformed", "half of an EdDSA signature is over 32 bytes");
  return { algorithm, r: leftPad(r, 32), s: leftPad(s, 32) };
}

function algorithmOf(id: number): RawSignature["algorithm"] {
  const algorithm = (["EdDSALegacy", "ECDSA", "RSA"] as const).find((name) => algorithmIds[name] === id);
  if (algorithm === undefined) throw new OpenPgpError("unsupported", `signature algorithm ${id} is not read`);
  return algorithm;
}

function hashOf(id: number): HashName {
  if (id === 2 || id === 8 || id === 9 || id === 10) return hashNames[id];
  throw new OpenPgpError("unsupported", `hash algorithm ${id} is not read`);
}
