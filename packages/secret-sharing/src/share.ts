/** The share file: a type line, then JSON whose last member is the SHA-256 of every line before it. */
import { createHash } from "node:crypto";
import type { Brand } from "@signstar/primitives/brand";
import { fromUtf8, toBase64, toHex, toUtf8 } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import { Secret } from "@signstar/primitives/secret";
import { SharingError } from "./errors.ts";
import { Members } from "./members.ts";

/** Random, 32 lower-case hexadecimal digits: what the shares of one splitting have in common. */
export type SetId = Brand<string, "SetId">;

export interface Share {
  readonly set: SetId;
  /** The generation of the configuration that the secret belongs to. */
  readonly iteration: number;
  /** So many shares of the set give the secret. */
  readonly threshold: number;
  readonly numberOfShares: number;
  /** From 1 to `numberOfShares`. */
  readonly index: number;
  /** The SSH key it was made for, as OpenSSH writes a fingerprint. */
  readonly holder: string;
  /** SHA-256 of the bytes of every share of the set, by index, in lower-case hex. */
  readonly commitments: readonly string[];
  /** The bytes: one for each of the secret, then the coordinate. */
  readonly share: Secret;
}

/** What the arithmetic can do: coordinates are the 255 numbers of a byte that are not zero. */
export const maxShares = 255;

/** The largest secret whose shares, 255 commitments included, keep to `limits.shareBytes`. */
export const maxSecretBytes = 24 * 1024;

export const setForm = /^[0-9a-f]{32}$/;

/** A fingerprint of an SSH key, in the one spelling that its 32 bytes have. */
export const fingerprintForm = /^SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/;

const typeLine = "Signstar secret share";
const version = 1;
const checksumLine = /^ {2}"checksum": "([0-9a-f]{64})"\n\}\n$/;
const again = "take it from the file that was fetched; an editor or a mail program may have changed this one";

export function encodeShare(share: Share): Uint8Array {
  const document = {
    version,
    iteration: share.iteration,
    set: share.set,
    threshold: share.threshold,
    number_of_shares: share.numberOfShares,
    index: share.index,
    holder: share.holder,
    commitments: share.commitments,
    share: share.share.use(toBase64),
  };
  const body = `${typeLine}\n${JSON.stringify(document, null, 2).replace(/\n\}$/, ",\n")}`;
  return toUtf8(`${body}  "checksum": "${sha256(toUtf8(body))}"\n}\n`);
}

/**
 * Reads what `encodeShare` writes and nothing else: no other member, order or spacing, and each share matches its
 * checksum and its commitment. Throws SharingError.
 */
export function parseShare(bytes: Uint8Array): Share {
  const text = textOf(bytes);
  if (!text.startsWith(`${typeLine}\n`)) {
    throw new SharingError("not-a-share", `this is not a share: its first line is not "${typeLine}"`, { hint: again });
  }
  const members = new Members("share", text.slice(typeLine.length));
  const found = members.value("version");
  if (found !== version) {
    throw new SharingError("unknown-version", `the share is not of version ${version}, the one that is known here`);
  }
  requireChecksum(text);
  const share: Share = {
    iteration: members.integer("iteration", 0, 2 ** 32 - 1),
    set: parseSetId(members.text("set")),
    threshold: members.integer("threshold", 0, maxShares),
    numberOfShares: members.integer("number_of_shares", 0, maxShares),
    index: members.integer("index", 0, maxShares),
    holder: members.matching("holder", fingerprintForm, "the fingerprint of an SSH key"),
    commitments: members.texts("commitments", /^[0-9a-f]{64}$/, "a SHA-256"),
    share: fromBase64(members.text("share")),
  };
  members.only("checksum");
  requireSound(share);
  const canonical = encodeShare(share);
  const same = Buffer.compare(canonical, bytes) === 0;
  canonical.fill(0);
  if (same) return share;
  throw new SharingError("not-canonical", "the share is not written as this program writes it", { hint: again });
}

/** Throws SharingError (malformed). */
export function parseSetId(text: string): SetId {
  if (setForm.test(text)) return text as SetId;
  throw new SharingError("malformed", "the set of a share is not 32 hexadecimal digits");
}

/**
 * What holds for every share, wherever it comes from: its numbers fit together, and its bytes are those that the set
 * was made with. Throws SharingError (bad-threshold, index-zero, index-out-of-range, disagreement, altered-share).
 */
export function requireSound(share: Share): void {
  const { threshold, numberOfShares: number, index, commitments } = share;
  const name = nameOf(share);
  if (threshold < 2 || threshold > number || number > maxShares) {
    throw new SharingError("bad-threshold", `${name}: ${threshold} of ${number} shares is no threshold`);
  }
  if (index === 0) throw new SharingError("index-zero", `${name}: shares are counted from 1`);
  if (index > number) {
    throw new SharingError("index-out-of-range", `${name}: the set has only ${number} shares`);
  }
  if (commitments.length !== number) {
    throw new SharingError("disagreement", `${name} has ${commitments.length} commitments for ${number} shares`);
  }
  if (share.share.use(sha256) !== commitments[index - 1]) {
    throw new SharingError("altered-share", `${name} is not the one that was made: it does not match its commitment`, {
      hint: again,
    });
  }
  if (share.share.use((bytes) => bytes.length < 2 || bytes.at(-1) === 0)) {
    throw new SharingError("index-zero", `${name} has the coordinate 0, which no share can have`);
  }
}

/**
 * SHA-256 of all that the shares of a set say alike, in hex. By it the place where a set was made knows its shares again,
 * and names one that was forged, without keeping the commitments.
 */
export function setDigest({
  set,
  iteration,
  threshold,
  numberOfShares,
  commitments,
}: Omit<Share, "index" | "holder" | "share">): string {
  return sha256(toUtf8(JSON.stringify([set, iteration, threshold, numberOfShares, commitments])));
}

/** For a message: which share, and whose. */
export function nameOf({ index, holder }: Pick<Share, "index" | "holder">): string {
  return `share ${index} of ${holder}`;
}

export function sha256(bytes: Uint8Array): string {
  return toHex(createHash("sha256").update(bytes).digest());
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > limits.shareBytes) {
    throw new SharingError("too-large", `${bytes.length} bytes are no share: one has at most ${limits.shareBytes}`);
  }
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new SharingError("not-a-share", "this is not a share: it is not text", { hint: again, cause });
  }
}

function requireChecksum(text: string): void {
  const start = text.lastIndexOf('\n  "checksum": "') + 1;
  const [, checksum] = checksumLine.exec(text.slice(start)) ?? [];
  if (checksum === sha256(toUtf8(text.slice(0, start)))) return;
  throw new SharingError("altered-share", "the share has been altered: it does not match its own checksum", {
    hint: again,
  });
}

function fromBase64(text: string): Secret {
  const secret = Secret.take(Buffer.from(text, "base64"));
  if (secret.use(toBase64) === text) return secret;
  throw new SharingError("malformed", 'the member "share" is not base64');
}
