/** Shares that wait in the directory of a share-upload user: `KEY.share`, `KEY.SET.share`, each with its `.intent`. */
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { decodeIntent, type Intent, maxIntentBytes } from "@signstar/secret-sharing/intent";
import { parseShare, type Share } from "@signstar/secret-sharing/share";
import { HostError } from "./errors.ts";
import { namesIn, readSafeFile } from "./safe-file.ts";

export interface HandedIn {
  /** Of the files, without `.share` and `.intent`. */
  readonly name: string;
  /** The SSH key that handed it in, `hex` of its ClientKey. */
  readonly key: string;
  /** Disposed of by whoever has asked. */
  readonly share: Share;
  readonly intent: Intent;
}

/** A file that is not taken for a share, and why. */
export interface Unusable {
  readonly name: string;
  readonly key: string;
  readonly problem: string;
}

export interface Waiting {
  readonly shares: readonly HandedIn[];
  /** Files of other names are not among them. */
  readonly unusable: readonly Unusable[];
}

export const handedInSuffixes = { share: ".share", intent: ".intent" } as const;

/** Four for each of 255 keys. Whoever has the account could leave any number, which the reader has to hold in memory. */
const maxWaiting = 4 * 255;

const shareName = /^(([0-9a-f]{64})(?:\.[0-9a-f]{32})?)\.share$/;

/**
 * What waits in `directory`, in files of `owner`'s alone. A share whose intent is not there is still on its way, and
 * not mentioned. Throws HostError (file-unreadable) only if the directory cannot be read.
 */
export function handedIn(directory: string, owner: number): Waiting {
  const shares: HandedIn[] = [];
  const unusable: Unusable[] = [];
  const read = (file: string, maxBytes: number) =>
    readSafeFile(`${directory}/${file}`, { maxBytes, owners: [owner], mode: "private" });
  for (const file of namesIn(directory)) {
    const [, name, key] = shareName.exec(file) ?? [];
    if (name === undefined || key === undefined) continue;
    if (shares.length >= maxWaiting) {
      unusable.push({ name, key, problem: "too many shares wait in this account" });
      continue;
    }
    try {
      const intent = decodeIntent(read(`${name}${handedInSuffixes.intent}`, maxIntentBytes));
      const bytes = read(file, limits.shareBytes);
      try {
        shares.push({ name, key, share: parseShare(bytes), intent });
      } finally {
        bytes.fill(0);
      }
    } catch (thrown) {
      if (thrown instanceof HostError && thrown.code === "file-missing") continue;
      unusable.push({ name, key, problem: messageOf(thrown) });
    }
  }
  return { shares, unusable };
}
