import type { Secret } from "@signstar/primitives/secret";
import { combineBytes } from "./arithmetic.ts";
import { SharingError } from "./errors.ts";
import { nameOf, requireSound, type Share, setDigest } from "./share.ts";

/**
 * The secret that these shares of one set were made from. More than the threshold are checked all the same. Throws
 * SharingError (too-few-shares, mixed-sets, disagreement, duplicate-index, index-zero, altered-share and what else
 * `requireSound` refuses).
 */
export async function combineShares(shares: readonly Share[]): Promise<Secret> {
  const [first, ...others] = shares;
  if (first === undefined) throw new SharingError("too-few-shares", "no share is here");
  for (const other of others) requireSameSet(first, other);
  const holders = new Map<number, string>();
  for (const share of shares) {
    requireSound(share);
    if (holders.has(share.index)) {
      throw new SharingError("duplicate-index", `${nameOf(share)} is here twice`, {
        hint: "each holder hands in their own share, once",
      });
    }
    holders.set(share.index, share.holder);
  }
  if (shares.length < first.threshold) {
    throw new SharingError("too-few-shares", `${first.threshold} shares are needed, ${shares.length} are here`);
  }
  const parts = shares.slice(0, first.threshold).map(({ share }) => share.use((bytes) => bytes.slice()));
  try {
    requireSeparate(parts);
    return await combineBytes(parts);
  } finally {
    for (const part of parts) part.fill(0);
  }
}

function requireSameSet(one: Share, other: Share): void {
  if (one.set !== other.set) {
    throw new SharingError("mixed-sets", `${nameOf(other)} belongs to another set than ${nameOf(one)}`, {
      hint: "shares are combined with those that were made together with them",
    });
  }
  if (setDigest(one) === setDigest(other)) return;
  throw new SharingError("disagreement", `${nameOf(other)} and ${nameOf(one)} disagree about their set`);
}

/** Different files whose bytes would count as one point of the polynomial: made by somebody else than `splitSecret`. */
function requireSeparate(parts: readonly Uint8Array[]): void {
  const lengths = new Set(parts.map(({ length }) => length));
  const coordinates = new Set(parts.map((part) => part.at(-1)));
  if (lengths.size > 1) throw new SharingError("disagreement", "the shares are of different lengths");
  if (coordinates.size < parts.length) {
    throw new SharingError("duplicate-index", "two shares have the same coordinate");
  }
}
