/** Multi-precision integers (RFC 9580 §3.2): 16 bits of bit count, then the number without leading zero bits. */
import { concat, stripLeadingZeros, u16be } from "@signstar/primitives/bytes";
import { OpenPgpError } from "./error.ts";
import type { ByteReader } from "./reader.ts";

/** Enough for the largest RSA key that a NetHSM makes. */
const maxBits = 8192;

/** Number of bits without leading zeros; 0 for zero. */
export function bitLength(number: Uint8Array): number {
  const significant = stripLeadingZeros(number);
  const [first] = significant;
  return first === undefined ? 0 : significant.length * 8 + 24 - Math.clz32(first);
}

/** The number may have leading zeros. Zero stands nowhere in a key or signature and is refused. */
export function encodeMpi(number: Uint8Array): Uint8Array {
  const bits = bitLength(number);
  if (bits === 0 || bits > maxBits) {
    throw new OpenPgpError("invalid-argument", `number of ${bits} bits is not in 1 to ${maxBits}`);
  }
  return concat(u16be(bits), stripLeadingZeros(number));
}

/** The number without leading zeros. Refuses zero, a bit count that is not exact, and more than 8192 bits. */
export function readMpi(reader: ByteReader): Uint8Array {
  const bits = reader.u16();
  if (bits === 0) throw new OpenPgpError("malformed", "number is zero");
  if (bits > maxBits) throw new OpenPgpError("too-large", `number of ${bits} bits, at most ${maxBits} are read`);
  const number = reader.take(Math.ceil(bits / 8));
  if (bitLength(number) !== bits) throw new OpenPgpError("malformed", "bit count of a number is not exact");
  return number;
}
