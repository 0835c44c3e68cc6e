/** ASCII armor (RFC 9580 §6) with the CRC24 line, without which gpg 2.2 refuses every third length. */
import { fromBase64, toBase64 } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import { OpenPgpError } from "./error.ts";

export type ArmorKind = "PGP SIGNATURE" | "PGP PUBLIC KEY BLOCK";

export interface Armored {
  readonly kind: string;
  readonly bytes: Uint8Array;
}

const columns = 64;
/** Base64 takes a third more, lines and headers a little. */
const maxText = limits.certificateBytes * 2;

/** Header line, empty line, base64 in 64 columns, CRC24 line, tail line; no armor headers; ends with a newline. */
export function armor(kind: ArmorKind, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
  return [`-----BEGIN ${kind}-----`, "", ...lines, checksumLine(bytes), `-----END ${kind}-----`, ""].join("\n");
}

/**
 * Reads one armored block and nothing around it. Armor headers, CRLF, space at a line's end and a missing checksum
 * are tolerated, because other programs write so; a wrong checksum, stray characters and base64 that is not
 * canonical are not. Throws OpenPgpError.
 */
export function dearmor(text: string): Armored {
  if (text.length > maxText) throw new OpenPgpError("too-large", `armored text of ${text.length} characters`);
  const lines = text.split("\n").map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  const kind = /^-----BEGIN (PGP [A-Z ]+)-----$/.exec(lines[0] ?? "")?.[1];
  if (kind === undefined) throw new OpenPgpError("armor", "armored text does not begin with a header line");
  if (lines.length < 2 || lines.at(-1) !== `-----END ${kind}-----`) {
    throw new OpenPgpError("armor", "armored text does not end with the tail line of its header");
  }
  const inside = lines.slice(1, -1);
  const blank = inside.indexOf("");
  if (blank === -1) throw new OpenPgpError("armor", "armored text has no empty line after its headers");
  if (!inside.slice(0, blank).every((line) => /^[A-Za-z0-9-]+:(?: |$)/.test(line))) {
    throw new OpenPgpError("armor", "armored text has a header that is none");
  }
  const data = inside.slice(blank + 1);
  const checksum = data.at(-1)?.startsWith("=") ? data.pop() : undefined;
  if (!data.every((line) => /^[A-Za-z0-9+/=]{1,76}$/.test(line))) {
    throw new OpenPgpError("armor", "armored text has a line that is not base64 of at most 76 columns");
  }
  const bytes = decode(data.join(""));
  if (checksum !== undefined && checksum !== checksumLine(bytes)) {
    throw new OpenPgpError("armor", "checksum of the armored text does not match");
  }
  return { kind, bytes };
}

export function looksArmored(bytes: Uint8Array): boolean {
  return bytes[0] === 0x2d; // "-"; a binary packet has the high bit set
}

function decode(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch (cause) {
    throw new OpenPgpError("armor", "armored text is not canonical base64", { cause });
  }
}

function checksumLine(bytes: Uint8Array): string {
  const crc = crc24(bytes);
  return `=${toBase64(Uint8Array.of(crc >>> 16, (crc >>> 8) & 0xff, crc & 0xff))}`;
}

/** RFC 9580 §6.1.1. */
function crc24(bytes: Uint8Array): number {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc & 0x80_0000 ? 0x186_4cfb : 0);
    crc &= 0xff_ffff;
  }
  return crc;
}
