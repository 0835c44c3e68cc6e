/** Building version 4 signature packets (RFC 9580 §5.2.3), of any type, around a digest that someone else signs. */
import { concat, u16be, u32be } from "@signstar/primitives/bytes";
import { OpenPgpError } from "./error.ts";
import { encodeMpi } from "./mpi.ts";
import { encodePacket, PacketTag } from "./packet.ts";
import { algorithmIds, type PublicKey } from "./public-key.ts";
import { encodeSubpackets, type Subpacket } from "./subpacket.ts";

export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

/** Numbers are big endian; leading zeros do not matter, except that r and s of EdDSA are 32 bytes each. */
export type RawSignature =
  | { readonly algorithm: "EdDSALegacy"; readonly r: Uint8Array; readonly s: Uint8Array }
  | { readonly algorithm: "ECDSA"; readonly r: Uint8Array; readonly s: Uint8Array }
  | { readonly algorithm: "RSA"; readonly s: Uint8Array };

export interface UnfinishedSignature {
  /** What is to be signed: 64 bytes. */
  readonly digest: Uint8Array;
  /** The whole packet. Throws OpenPgpError if `raw` is of another algorithm than the key. */
  finish(raw: RawSignature): Uint8Array;
}

/** Identifiers of RFC 9580 §5.2.1. */
export const SignatureType = {
  binary: 0x00,
  genericCertification: 0x10,
  positiveCertification: 0x13,
  directKey: 0x1f,
  keyRevocation: 0x20,
  certificationRevocation: 0x30,
} as const;

/** SHA-512 is the only hash that we sign with (RFC 9580 §9.5). */
export const sha512Id = 10;

/** `hasher` is SHA-512 and has seen what the signature covers; it is finished here. */
export function prepareSignature(input: {
  readonly key: PublicKey;
  readonly type: number;
  readonly hashed: readonly Subpacket[];
  readonly unhashed: readonly Subpacket[];
  readonly hasher: Hasher;
}): UnfinishedSignature {
  const { algorithm } = input.key.material;
  const area = encodeSubpackets(input.hashed);
  const head = concat(Uint8Array.of(4, input.type, algorithmIds[algorithm], sha512Id), u16be(area.length), area);
  input.hasher.update(head);
  input.hasher.update(trailer(head.length));
  const digest = input.hasher.digest();
  if (digest.length !== 64) throw new OpenPgpError("invalid-argument", "digest is not 64 bytes long");
  const unhashed = encodeSubpackets(input.unhashed);
  return {
    digest,
    finish(raw) {
      if (raw.algorithm !== algorithm) {
        throw new OpenPgpError("invalid-argument", `${raw.algorithm} signature for a key of ${algorithm}`);
      }
      const body = concat(head, u16be(unhashed.length), unhashed, digest.subarray(0, 2), encodeRaw(raw));
      return encodePacket(PacketTag.signature, body);
    },
  };
}

/** What ends the hashed data: version, 0xff, how long the hashed part of the packet was (RFC 9580 §5.2.4). */
export function trailer(hashedLength: number): Uint8Array {
  return concat(Uint8Array.of(4, 0xff), u32be(hashedLength));
}

function encodeRaw(raw: RawSignature): Uint8Array {
  return raw.algorithm === "RSA" ? encodeMpi(raw.s) : concat(encodeMpi(raw.r), encodeMpi(raw.s));
}
