/** Signature subpackets (RFC 9580 §5.2.3.7): a length that counts the type octet, the type, the content. */
import { concat, fromUtf8, toUtf8, u16be, u32be } from "@signstar/primitives/bytes";
import { OpenPgpError } from "./error.ts";
import { ByteReader } from "./reader.ts";

export const SubpacketType = {
  creationTime: 2,
  signatureExpiration: 3,
  exportable: 4,
  trust: 5,
  revocable: 7,
  keyExpiration: 9,
  preferredSymmetric: 11,
  revocationKey: 12,
  issuerKeyId: 16,
  notation: 20,
  preferredHash: 21,
  preferredCompression: 22,
  keyServerPreferences: 23,
  preferredKeyServer: 24,
  primaryUserId: 25,
  policyUri: 26,
  keyFlags: 27,
  signersUserId: 28,
  revocationReason: 29,
  features: 30,
  embeddedSignature: 32,
  issuerFingerprint: 33,
  preferredAead: 34,
  preferredAeadSuites: 39,
} as const;

/** RFC 9580 §5.2.3.29, first octet. */
export const KeyFlag = { certify: 0x01, sign: 0x02 } as const;

const known: ReadonlySet<number> = new Set(Object.values(SubpacketType));

export interface Subpacket {
  readonly type: number;
  readonly critical: boolean;
  readonly body: Uint8Array;
}

export interface Notation {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A subpacket that is not critical: a reader that does not know it may ignore it. */
export function subpacket(type: number, body: Uint8Array): Subpacket {
  return { type, critical: false, body };
}

/** A notation whose value is not text (RFC 9580 §5.2.3.24, flags zero). */
export function binaryNotation(name: string, value: Uint8Array): Subpacket {
  const nameBytes = toUtf8(name);
  return subpacket(
    SubpacketType.notation,
    concat(u32be(0), u16be(nameBytes.length), u16be(value.length), nameBytes, value),
  );
}

export function parseNotation(body: Uint8Array): Notation {
  const reader = new ByteReader(body, "notation");
  reader.take(4); // flags say whether the value is text; we compare bytes
  const [nameLength, valueLength] = [reader.u16(), reader.u16()];
  const name = utf8(reader.take(nameLength));
  const value = reader.take(valueLength);
  reader.end();
  return { name, value };
}

export function encodeSubpackets(subpackets: readonly Subpacket[]): Uint8Array {
  return concat(
    ...subpackets.flatMap(({ type, critical, body }) => [
      encodeLength(body.length + 1),
      Uint8Array.of(critical ? type | 0x80 : type),
      body,
    ]),
  );
}

export function parseSubpackets(area: Uint8Array): readonly Subpacket[] {
  const reader = new ByteReader(area, "subpacket area");
  const subpackets: Subpacket[] = [];
  while (!reader.done) {
    const length = readLength(reader);
    if (length === 0) throw new OpenPgpError("malformed", "subpacket without type");
    const type = reader.u8();
    subpackets.push({ type: type & 0x7f, critical: type >= 0x80, body: reader.take(length - 1) });
  }
  return subpackets;
}

/**
 * Whether a critical subpacket is one we do not know: then its signature counts as invalid (RFC 9580 §5.2.3.7).
 * We know the meaning of no critical notation.
 */
export function isUnknownCritical({ type, critical }: Subpacket): boolean {
  return critical && (!known.has(type) || type === SubpacketType.notation);
}

function readLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 192) return first;
  if (first < 255) return (first - 192) * 256 + reader.u8() + 192;
  return reader.u32();
}

function encodeLength(length: number): Uint8Array {
  if (length < 192) return Uint8Array.of(length);
  if (length < 16320) return u16be(length - 192 + 0xc000);
  return concat(Uint8Array.of(255), u32be(length));
}

function utf8(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new OpenPgpError("malformed", "notation name is not UTF-8", { cause });
  }
}
