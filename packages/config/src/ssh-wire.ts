/**
 * The wire form of SSH public keys: RFC 4253 §6.6 (ssh-rsa), RFC 5656 §3.1 (ECDSA), RFC 8709 §4 (Ed25519) and OpenSSH's
 * PROTOCOL.u2f (sk-*). A blob that is not exactly its type would be skipped by sshd without a word, so the holder of
 * the key would only find out at the door.
 */
import { fromUtf8 } from "@signstar/primitives/bytes";

type Element = { readonly name: string; readonly check: (bytes: Uint8Array) => string | undefined };

const ed25519Point = exactly("public key", 32);
/** Public parameter of a FIDO key: usually `ssh:`. */
const application: Element = { name: "application", check: (bytes) => (bytes.length > 0 ? undefined : "is empty") };

/** What follows the type name in the blob. */
const layouts = {
  "ssh-ed25519": [ed25519Point],
  "sk-ssh-ed25519@openssh.com": [ed25519Point, application],
  "ecdsa-sha2-nistp256": [curveName("nistp256"), point(32)],
  "ecdsa-sha2-nistp384": [curveName("nistp384"), point(48)],
  "ecdsa-sha2-nistp521": [curveName("nistp521"), point(66)],
  "sk-ecdsa-sha2-nistp256@openssh.com": [curveName("nistp256"), point(32), application],
  "ssh-rsa": [
    mpint("exponent", 2, 64),
    // Debian's sshd refuses fewer than 1024 bits by default, current advice is 2048 at least; OpenSSH stops at 16384.
    mpint("modulus", 2048, 16384),
  ],
} as const satisfies Record<string, readonly Element[]>;

export type SshKeyType = keyof typeof layouts;

export function isSshKeyType(text: string): text is SshKeyType {
  return Object.hasOwn(layouts, text);
}

/** Throws RangeError with what is wrong, to be read after "SSH key". */
export function checkSshKeyBlob(type: SshKeyType, blob: Uint8Array): void {
  const parts = splitStrings(blob);
  const [inner, ...rest] = parts;
  if (inner === undefined || printable(inner) !== type) {
    throw new RangeError(`is called ${type} but its data is of type ${JSON.stringify(inner ? printable(inner) : "")}`);
  }
  const layout: readonly Element[] = layouts[type];
  if (rest.length !== layout.length)
    throw new RangeError(`has ${rest.length} parts where ${type} has ${layout.length}`);
  for (const [i, element] of layout.entries()) {
    const reason = element.check(rest[i] ?? new Uint8Array());
    if (reason !== undefined) throw new RangeError(`has a broken ${element.name}: it ${reason}`);
  }
}

/** RFC 4251 §5: each string has a length of four bytes, big endian. */
function splitStrings(blob: Uint8Array): Uint8Array[] {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  const parts: Uint8Array[] = [];
  let offset = 0;
  while (offset < blob.length) {
    if (offset + 4 > blob.length) throw new RangeError("is truncated");
    const end = offset + 4 + view.getUint32(offset);
    if (end > blob.length) throw new RangeError("is truncated");
    parts.push(blob.subarray(offset + 4, end));
    offset = end;
  }
  return parts;
}

function printable(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes.subarray(0, 64));
  } catch {
    return "(not text)";
  }
}

function exactly(name: string, length: number): Element {
  return {
    name,
    check: (bytes) => (bytes.length === length ? undefined : `has ${bytes.length} bytes instead of ${length}`),
  };
}

function curveName(curve: string): Element {
  return { name: "curve", check: (bytes) => (printable(bytes) === curve ? undefined : `is not ${curve}`) };
}

/** An uncompressed point: SSH knows no other form (RFC 5656 §3.1 allows compression, OpenSSH refuses it). */
function point(coordinate: number): Element {
  const length = 1 + 2 * coordinate;
  return {
    name: "point",
    check: (bytes) => {
      if (bytes.length !== length) return `has ${bytes.length} bytes instead of ${length}`;
      return bytes[0] === 4 ? undefined : "is not uncompressed";
    },
  };
}

/** RFC 4251 §5: two's complement, minimal. Both numbers of an RSA key are positive and odd. */
function mpint(name: string, minBits: number, maxBits: number): Element {
  return {
    name,
    check: (bytes) => {
      const [first, second] = bytes;
      if (first === undefined) return "is zero";
      if (first >= 0x80) return "is negative";
      if (first === 0 && (second ?? 0) < 0x80) return "is not minimal";
      const lead = first === 0 ? (second ?? 0) : first;
      const bits = (bytes.length - (first === 0 ? 2 : 1)) * 8 + (32 - Math.clz32(lead));
      if (bits < minBits || bits > maxBits) return `has ${bits} bits, ${minBits} to ${maxBits} are accepted`;
      return ((bytes.at(-1) ?? 0) & 1) === 1 ? undefined : "is even";
    },
  };
}
