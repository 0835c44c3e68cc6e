import { createHash, randomBytes } from "node:crypto";
import { Secret } from "@signstar/primitives/secret";
import type { Share } from "../share.ts";
import { splitSecret } from "../split.ts";

/** The fingerprint of no key in particular. */
export function fingerprint(name: string | number): string {
  return `SHA256:${createHash("sha256").update(String(name)).digest("base64").replace(/=+$/, "")}`;
}

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** A set of shares of `content`, for holders that are called by their number. */
export function sampleShares(
  numberOfShares = 3,
  threshold = 2,
  content: Uint8Array = Uint8Array.of(1, 2, 3, 4),
  iteration = 7,
): Promise<Share[]> {
  const holders = Array.from({ length: numberOfShares }, (_, position) => fingerprint(position + 1));
  return splitSecret(Secret.take(content.slice()), { iteration, threshold, holders, random });
}
