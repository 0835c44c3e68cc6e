import type { ClientKey } from "@signstar/host/ssh-session";
import type { WaitingShare } from "@signstar/host/waiting-shares";
import type { Share } from "@signstar/secret-sharing/share";
import { ApplianceError } from "./errors.ts";

/** Two sets are needed during a rotation. Two more are room for a mistake, and bound what one key can fill. */
const setsPerKey = 4;

/**
 * Under which name a key's share is kept: that of the key's share of the same set, which it replaces, else a free one.
 * Throws ApplianceError: second-share (one key, one index of a set), too-many-shares.
 */
export function nameFor(key: string, { set, index }: Share, waiting: readonly WaitingShare[]): string {
  const own = waiting.filter((each) => each.key === key);
  const before = own.find((each) => each.set === set);
  if (before !== undefined) {
    if (before.index === index) return before.name;
    throw new ApplianceError("second-share", `you have handed in share ${before.index} of this set already`, {
      hint: "each holder hands in their own share of a set, and only that",
      clientSafe: true,
    });
  }
  if (own.length >= setsPerKey) {
    throw new ApplianceError("too-many-shares", `shares of ${own.length} other sets of yours wait already`, {
      hint: "they are removed when they have been used, or after a while",
      clientSafe: true,
    });
  }
  return own.some(({ name }) => name === key) ? `${key}.${set}` : key;
}

/** What the holder should know of other shares, those that waited `before`. */
export function remarksBeside(
  { set, index, holder, intent }: Pick<Share, "set" | "index" | "holder"> & { readonly intent: string },
  key: ClientKey,
  before: readonly WaitingShare[],
): readonly string[] {
  const same = before.filter((each) => each.set === set && each.index === index);
  const remarks: string[] = [];
  if (holder !== key.fingerprint) remarks.push(`the share was made for another key than yours: ${holder}`);
  if (same.some((each) => each.key !== key.hex)) {
    remarks.push("this share has been handed in with another key as well: it counts once");
  }
  const replaced = same.find((each) => each.key === key.hex && each.intent !== intent);
  if (replaced !== undefined) remarks.push(`it takes the place of what you had agreed to before: ${replaced.intent}`);
  return remarks;
}
