/** Byte helpers. All integers are unsigned; `be` is big endian, `le` little endian. */

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Not for secrets: it stops at the first difference. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function u16be(value: number): Uint8Array {
  requireUint(value, 0xffff);
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function u32be(value: number): Uint8Array {
  requireUint(value, 0xffff_ffff);
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Strict: an even number of hexadecimal digits, of either case. Throws RangeError. */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new RangeError("not hexadecimal");
  return new Uint8Array(Buffer.from(text, "hex"));
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

/** RFC 4648 §4, strict: padding is mandatory, unused bits are zero, no other character. Throws RangeError. */
export function fromBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  if (toBase64(bytes) !== text) throw new RangeError("not canonical base64");
  return bytes;
}

export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

export function toUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The number without its leading zero bytes, as multi-precision integers want it; empty for zero. */
export function stripLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? new Uint8Array(0) : bytes.subarray(first);
}

/** The number in exactly `length` bytes. Throws RangeError if it does not fit. */
export function leftPad(bytes: Uint8Array, length: number): Uint8Array {
  const short = stripLeadingZeros(bytes);
  if (short.length > length) throw new RangeError(`number of ${short.length} bytes does not fit into ${length}`);
  const padded = new Uint8Array(length);
  padded.set(short, length - short.length);
  return padded;
}

function requireUint(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${value} is not in 0 to ${max}`);
}
