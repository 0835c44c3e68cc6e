/** Packet framing (RFC 9580 §4.2). Written in the new format, read in both. */
import { concat, u16be, u32be } from "@signstar/primitives/bytes";
import { OpenPgpError } from "./error.ts";
import { ByteReader } from "./reader.ts";

export const PacketTag = {
  signature: 2,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  marker: 10,
  trust: 12,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
  padding: 21,
} as const;

/** From here on an unknown packet is skipped; below, it makes the whole unreadable (RFC 9580 §4.3). */
export const firstNonCriticalTag = 40;

export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** The packet with the shortest header of the new format. */
export function encodePacket(tag: number, body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0xc0 | tag), encodeLength(body.length), body);
}

/** All packets, bodies as views. Lengths that only streams need (partial, indeterminate) are refused. */
export function readPackets(bytes: Uint8Array, maxPackets: number): readonly Packet[] {
  const reader = new ByteReader(bytes, "packet");
  const packets: Packet[] = [];
  while (!reader.done) {
    if (packets.length === maxPackets) throw new OpenPgpError("too-large", `more than ${maxPackets} packets`);
    packets.push(readPacket(reader));
  }
  return packets;
}

function readPacket(reader: ByteReader): Packet {
  const head = reader.u8();
  if (head < 0x80) throw new OpenPgpError("malformed", "a packet does not begin with a packet header");
  const newFormat = (head & 0x40) !== 0;
  const tag = newFormat ? head & 0x3f : (head >>> 2) & 0x0f;
  if (tag === 0) throw new OpenPgpError("malformed", "packet tag 0 is reserved");
  return { tag, body: reader.take(newFormat ? newLength(reader) : oldLength(reader, head & 3)) };
}

function newLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 192) return first;
  if (first < 224) return (first - 192) * 256 + reader.u8() + 192;
  if (first === 255) return reader.u32();
  throw new OpenPgpError("malformed", "packet has a partial length");
}

function oldLength(reader: ByteReader, lengthType: number): number {
  if (lengthType === 0) return reader.u8();
  if (lengthType === 1) return reader.u16();
  if (lengthType === 2) return reader.u32();
  throw new OpenPgpError("malformed", "packet has an indeterminate length");
}

function encodeLength(length: number): Uint8Array {
  if (length < 192) return Uint8Array.of(length);
  if (length < 8384) return u16be(length - 192 + 0xc000);
  return concat(Uint8Array.of(255), u32be(length));
}
