import { formatIntent } from "@signstar/secret-sharing/intent";
import type { SetId } from "@signstar/secret-sharing/share";
import { handedIn } from "./handed-in.ts";

/** A share that waits, without the share itself. */
export interface WaitingShare {
  /** Of its files, without `.share` and `.intent`. */
  readonly name: string;
  /** The SSH key that handed it in, `hex` of its ClientKey. */
  readonly key: string;
  readonly set: SetId;
  readonly index: number;
  readonly threshold: number;
  /** As `formatIntent` writes it. */
  readonly intent: string;
}

/** What waits in a directory of `owner`'s. Throws HostError (file-unreadable). */
export function waitingShares(directory: string, owner: number): readonly WaitingShare[] {
  return handedIn(directory, owner).shares.map(({ name, key, share, intent }) => {
    const { set, index, threshold } = share;
    share.share[Symbol.dispose]();
    return { name, key, set, index, threshold, intent: formatIntent(intent) };
  });
}

/** How many different shares of the set wait with this intent. */
export function countOf(waiting: readonly WaitingShare[], set: string, intent: string): number {
  const indexes = waiting.filter((each) => each.set === set && each.intent === intent).map(({ index }) => index);
  return new Set(indexes).size;
}
