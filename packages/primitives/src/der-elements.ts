/** The few DER elements that keys, names and certificates are made of. */

import { toUtf8 } from "./bytes.ts";
import { derElement, Tag } from "./der.ts";

export function sequence(...content: readonly Uint8Array[]): Uint8Array {
  return derElement(Tag.sequence, ...content);
}

export function set(...content: readonly Uint8Array[]): Uint8Array {
  return derElement(0x31, ...content);
}

export function utf8(text: string): Uint8Array {
  return derElement(0x0c, toUtf8(text));
}

/** All bits used. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return derElement(Tag.bitString, Uint8Array.of(0), bytes);
}

export function octets(bytes: Uint8Array): Uint8Array {
  return derElement(Tag.octetString, bytes);
}

/** Explicit (constructed) context-specific tag. */
export function explicit(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  return derElement(0xa0 | tag, ...content);
}

/** From dotted decimals, X.690 §8.19. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return derElement(Tag.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f));
  return digits;
}
