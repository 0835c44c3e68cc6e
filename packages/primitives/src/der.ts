/**
 * Distinguished Encoding Rules (X.690), as strict as they are meant: definite minimal lengths, no trailing bytes,
 * minimal non-negative integers. Only what signatures and public keys need.
 */
import { concat, stripLeadingZeros } from "./bytes.ts";

export const Tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
} as const;

export class DerError extends Error {
  override readonly name = "DerError";
}

/** Reads the elements of one buffer in order. Call `end` after the last: trailing bytes are an error. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The content of the next element, which must have this tag. */
  read(tag: number): Uint8Array {
    const found = this.#byte();
    if (found !== tag) throw new DerError(`tag 0x${found.toString(16)} where 0x${tag.toString(16)} is wanted`);
    const length = this.#length();
    const content = this.#bytes.subarray(this.#offset, this.#offset + length);
    if (content.length !== length) throw new DerError("element is longer than its container");
    this.#offset += length;
    return content;
  }

  /** A non-negative INTEGER, big endian without leading zeros (zero is empty). */
  readUint(): Uint8Array {
    const content = this.read(Tag.integer);
    const [first, second] = content;
    if (first === undefined) throw new DerError("integer without content");
    if (first >= 0x80) throw new DerError("integer is negative");
    if (first === 0 && second !== undefined && second < 0x80) throw new DerError("integer is not minimal");
    return stripLeadingZeros(content);
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  end(): void {
    if (!this.isAtEnd) throw new DerError("bytes after the last element");
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new DerError("unexpected end");
    this.#offset += 1;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw new DerError("indefinite or oversized length");
    let length = 0;
    for (let i = 0; i < count; i += 1) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("length is not minimal");
    return length;
  }
}

export function derElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  return concat(Uint8Array.of(tag), derLength(body.length), body);
}

/** A non-negative INTEGER from big-endian bytes; leading zeros are dropped. */
export function derUint(bytes: Uint8Array): Uint8Array {
  const number = stripLeadingZeros(bytes);
  const needsZero = number.length === 0 || (number[0] ?? 0) >= 0x80;
  return derElement(Tag.integer, needsZero ? concat(Uint8Array.of(0), number) : number);
}

function derLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(0x81, length);
  if (length < 0x1_0000) return Uint8Array.of(0x82, length >>> 8, length & 0xff);
  if (length < 0x100_0000) return Uint8Array.of(0x83, length >>> 16, (length >>> 8) & 0xff, length & 0xff);
  throw new RangeError("element of 16 MiB or more");
}
