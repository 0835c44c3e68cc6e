import { toHex } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { split } from "shamir-secret-sharing";
import { combineBytes } from "./arithmetic.ts";
import { SharingError } from "./errors.ts";
import { maxSecretBytes, maxShares, parseSetId, type Share, sha256 } from "./share.ts";

export interface Splitting {
  readonly iteration: number;
  /** So many shares give the secret, and one less gives nothing: 2 to the number of holders. */
  readonly threshold: number;
  /** Fingerprints of SSH keys; the first gets share 1. */
  readonly holders: readonly string[];
  /** Bytes for the set's id. The arithmetic takes its own from node:crypto. */
  readonly random: (length: number) => Uint8Array;
}

/**
 * One share for each holder. What is returned has been put together again: no share is handed out that does not give
 * the secret back. Throws SharingError (bad-split).
 */
export async function splitSecret(secret: Secret, splitting: Splitting): Promise<Share[]> {
  const { threshold, holders, iteration } = splitting;
  const numberOfShares = holders.length;
  if (numberOfShares < 2 || numberOfShares > maxShares) {
    throw new SharingError("bad-split", `a secret is split among 2 to ${maxShares} holders, not ${numberOfShares}`);
  }
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > numberOfShares) {
    throw new SharingError("bad-split", `the threshold of ${numberOfShares} shares is 2 to ${numberOfShares}`);
  }
  if (new Set(holders).size < numberOfShares) {
    throw new SharingError("bad-split", "a holder would get two shares");
  }
  if (secret.length < 1 || secret.length > maxSecretBytes) {
    throw new SharingError("bad-split", `a secret of ${secret.length} bytes is not 1 to ${maxSecretBytes} bytes long`);
  }
  const parts = await secret.use((bytes) => split(bytes, numberOfShares, threshold));
  await requireWhole(secret, parts, threshold);
  const set = parseSetId(toHex(splitting.random(16)));
  const commitments = parts.map(sha256);
  return parts.map((part, position) => ({
    set,
    iteration,
    threshold,
    numberOfShares,
    index: position + 1,
    holder: holders[position] ?? "",
    commitments,
    share: Secret.take(part),
  }));
}

/** Every share takes part in giving the secret back. */
async function requireWhole(secret: Secret, parts: readonly Uint8Array[], threshold: number): Promise<void> {
  for (let start = 0; start < parts.length; start += threshold) {
    const first = Math.min(start, parts.length - threshold);
    using back = await combineBytes(parts.slice(first, first + threshold));
    if (!back.equals(secret)) throw new SharingError("damaged-secret", "the shares do not give back the secret");
  }
}
