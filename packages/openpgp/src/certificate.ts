/** Certificates (transferable public keys, RFC 9580 §10.1): made around a digest, and read strictly. */
import { concat, equal, toUtf8, u32be } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import { dearmor, looksArmored } from "./armor.ts";
import { OpenPgpError } from "./error.ts";
import { type Hasher, prepareSignature, type RawSignature, SignatureType } from "./framing.ts";
import { encodePacket, firstNonCriticalTag, type Packet, PacketTag, readPackets } from "./packet.ts";
import { hashedKey, type PublicKey, parsePublicKey } from "./public-key.ts";
import { type ParsedSignature, parseSignatureBody } from "./signature.ts";
import { KeyFlag, SubpacketType, subpacket } from "./subpacket.ts";

/** A signature by the primary key about itself or a user id, not verified here. */
export interface KeySignature {
  readonly signature: ParsedSignature;
  /** What it covers, to be hashed before `signature.digestWith`. */
  readonly covered: Uint8Array;
}

export interface UserId {
  /** For people; bytes that are not UTF-8 are shown as U+FFFD. */
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly certifications: readonly KeySignature[];
  readonly revocations: readonly KeySignature[];
}

/** Only the primary key signs here; subkeys are kept in `bytes` and otherwise not looked at. */
export interface Certificate {
  readonly key: PublicKey;
  readonly userIds: readonly UserId[];
  readonly directSignatures: readonly KeySignature[];
  readonly revocations: readonly KeySignature[];
  /** The whole certificate, binary, as it was read. */
  readonly bytes: Uint8Array;
}

/** Each own signature costs a verification, so their number is bounded. */
const maxPackets = 256;
const maxUserId = 1024;

/** Certify too: gpg wants a key that certifies its own user id. */
const signingFlags = KeyFlag.certify | KeyFlag.sign;

/** Preferences that ask nothing of anybody: the hash we use, no compression, AES and the integrity it needs. */
const preferences = [
  subpacket(SubpacketType.preferredSymmetric, Uint8Array.of(9, 8, 7)),
  subpacket(SubpacketType.preferredHash, Uint8Array.of(10, 9, 8)),
  subpacket(SubpacketType.preferredCompression, Uint8Array.of(0)),
  subpacket(SubpacketType.features, Uint8Array.of(1)),
];

/**
 * A certificate with one user id, a positive self-signature and no expiry. `hashed` is a fresh SHA-512; times in
 * seconds; `flags` as in RFC 9580 §5.2.3.29, by default certify and sign. `finish` gives the binary certificate.
 * Throws OpenPgpError if the user id is empty, longer than 1024 bytes or has control characters.
 */
export function prepareCertificate(input: {
  readonly key: PublicKey;
  readonly userId: string;
  readonly creationTime: number;
  readonly hashed: Hasher;
  readonly flags?: number;
}): { readonly digest: Uint8Array; finish(raw: RawSignature): Uint8Array } {
  const { key, creationTime, hashed } = input;
  const userId = encodeUserId(input.userId);
  if (creationTime < key.creationTime) {
    throw new OpenPgpError("invalid-argument", "self-signature would be older than its key");
  }
  hashed.update(concat(hashedKey(key.body), hashedUserId(userId)));
  const unfinished = prepareSignature({
    key,
    type: SignatureType.positiveCertification,
    hashed: [
      subpacket(SubpacketType.creationTime, u32be(creationTime)),
      subpacket(SubpacketType.issuerFingerprint, concat(Uint8Array.of(key.version), key.fingerprint)),
      subpacket(SubpacketType.keyFlags, Uint8Array.of(input.flags ?? signingFlags)),
      subpacket(SubpacketType.primaryUserId, Uint8Array.of(1)),
      ...preferences,
    ],
    unhashed: [subpacket(SubpacketType.issuerKeyId, key.keyId)],
    hasher: hashed,
  });
  return {
    digest: unfinished.digest,
    finish(raw) {
      return concat(
        encodePacket(PacketTag.publicKey, key.body),
        encodePacket(PacketTag.userId, userId),
        unfinished.finish(raw),
      );
    },
  };
}

/**
 * Reads one certificate, binary or armored. Signatures of others, subkeys, user attributes and packets that the
 * standard lets a reader skip are tolerated and not used. Throws OpenPgpError.
 */
export function readCertificate(input: Uint8Array): Certificate {
  if (input.length > limits.certificateBytes) {
    throw new OpenPgpError(
      "too-large",
      `certificate of ${input.length} bytes, at most ${limits.certificateBytes} are read`,
    );
  }
  const bytes = looksArmored(input) ? fromArmor(input) : new Uint8Array(input);
  const [first, ...others] = readPackets(bytes, maxPackets);
  if (first === undefined) throw new OpenPgpError("truncated", "certificate is empty");
  refuseSecret(first);
  if (first.tag !== PacketTag.publicKey)
    throw new OpenPgpError("malformed", "certificate does not begin with a public key");
  return { ...collect(parsePublicKey(first.body), others), bytes };
}

interface Growing {
  readonly covered: Uint8Array;
  readonly signatures: ParsedSignature[];
}

/** Sorts the packets after the primary key to what they belong to. */
function collect(key: PublicKey, packets: readonly Packet[]): Omit<Certificate, "bytes"> {
  const primary: Growing = { covered: hashedKey(key.body), signatures: [] };
  const userIds: (Growing & { readonly bytes: Uint8Array })[] = [];
  let current: Growing | undefined = primary; // undefined: a component that we do not use
  for (const packet of packets) {
    refuseSecret(packet);
    if (packet.tag === PacketTag.signature) {
      const signature = readOwnSignature(packet.body, key);
      if (signature !== undefined) current?.signatures.push(signature);
    } else if (packet.tag === PacketTag.userId) {
      const covered = concat(primary.covered, hashedUserId(packet.body));
      const userId = { covered, signatures: [], bytes: packet.body };
      userIds.push(userId);
      current = userId;
    } else if (packet.tag === PacketTag.publicKey) {
      throw new OpenPgpError("malformed", "there is more than one certificate");
    } else if (packet.tag === PacketTag.publicSubkey || packet.tag === PacketTag.userAttribute) {
      current = undefined;
    } else if (!isIgnored(packet.tag)) {
      throw new OpenPgpError("malformed", `packet ${packet.tag} does not belong into a certificate`);
    }
  }
  return {
    key,
    userIds: userIds.map((each) => ({
      text: new TextDecoder().decode(each.bytes),
      bytes: each.bytes,
      certifications: ofType(each, SignatureType.genericCertification, SignatureType.positiveCertification),
      revocations: ofType(each, SignatureType.certificationRevocation),
    })),
    directSignatures: ofType(primary, SignatureType.directKey),
    revocations: ofType(primary, SignatureType.keyRevocation),
  };
}

/** All signatures of type `low` to `high`. */
function ofType({ covered, signatures }: Growing, low: number, high = low): readonly KeySignature[] {
  return signatures.filter(({ type }) => type >= low && type <= high).map((signature) => ({ signature, covered }));
}

/** Undefined for a signature by another key, and for a kind that we cannot read and hence not verify. */
function readOwnSignature(body: Uint8Array, key: PublicKey): ParsedSignature | undefined {
  try {
    const signature = parseSignatureBody(body);
    const { issuerFingerprint, issuerKeyId, algorithm } = signature;
    const isOwn = issuerFingerprint
      ? equal(issuerFingerprint, key.fingerprint)
      : issuerKeyId === undefined || equal(issuerKeyId, key.keyId);
    return isOwn && algorithm === key.material.algorithm ? signature : undefined;
  } catch (error) {
    if (error instanceof OpenPgpError && error.code === "unsupported") return undefined;
    throw error;
  }
}

function isIgnored(tag: number): boolean {
  return tag === PacketTag.marker || tag === PacketTag.trust || tag === PacketTag.padding || tag >= firstNonCriticalTag;
}

function refuseSecret({ tag }: Packet): void {
  if (tag === PacketTag.secretKey || tag === PacketTag.secretSubkey) {
    throw new OpenPgpError("secret-key", "this is a secret key, not a certificate", {
      hint: "export the public part alone",
    });
  }
}

function fromArmor(input: Uint8Array): Uint8Array {
  const { kind, bytes } = dearmor(new TextDecoder().decode(input));
  if (kind === "PGP PRIVATE KEY BLOCK") throw new OpenPgpError("secret-key", "this is a secret key, not a certificate");
  if (kind !== "PGP PUBLIC KEY BLOCK") throw new OpenPgpError("armor", "armored text is not a public key block");
  return bytes;
}

function encodeUserId(text: string): Uint8Array {
  const bytes = toUtf8(text);
  // A lone surrogate would silently become U+FFFD.
  const isClean = text.isWellFormed() && !/\p{Cc}/u.test(text);
  if (!isClean || bytes.length === 0 || bytes.length > maxUserId) {
    throw new OpenPgpError(
      "invalid-argument",
      `user id is not 1 to ${maxUserId} bytes of text without control characters`,
    );
  }
  return bytes;
}

/** How a user id enters a hash (RFC 9580 §5.2.4): 0xb4, four bytes of length, the text. */
function hashedUserId(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0xb4), u32be(bytes.length), bytes);
}
