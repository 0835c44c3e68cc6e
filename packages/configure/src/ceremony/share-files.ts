/**
 * The share directories from root's side. Those for confirmations and for what is handed in belong to other users: root
 * reads and unlinks direct children there, never through a link, and nothing else.
 */
import { chownSync, lstatSync } from "node:fs";
import { dirname } from "node:path";
import { makeDirectory, removeFile, writeFileAtomic } from "@signstar/host/atomic-file";
import { HostError } from "@signstar/host/errors";
import { handedIn, handedInSuffixes } from "@signstar/host/handed-in";
import { namesIn, readSafeFile } from "@signstar/host/safe-file";
import type { Intent } from "@signstar/secret-sharing/intent";
import type { Share } from "@signstar/secret-sharing/share";
import type { Place } from "../place.ts";
import type { ShareHolder } from "./holders.ts";

/** A digest in hex and a line end. */
const confirmationBytes = 65;

/** A share that was handed in, with what its holder agrees to. */
export interface Vote {
  readonly by: ShareHolder;
  readonly share: Share;
  readonly intent: Intent;
  /** When it got its name, in milliseconds since the epoch. */
  readonly at: number;
  /** The share first. */
  readonly files: readonly string[];
}

/** Something in a directory of another user that is no vote. */
export interface Stray {
  readonly files: readonly string[];
  readonly why: string;
}

export class ShareFiles {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** tmpfiles.d makes these directories at boot; what is missing all the same is made here. */
  prepare(holders: readonly ShareHolder[], handers: readonly ShareHolder[]): void {
    const { sharesDownload, sharesConfirm, sharesUpload } = this.#place.paths;
    const { uid: root, gid } = this.#place.owner;
    for (const name of new Set(holders.map(({ user }) => user))) {
      const user = this.#place.user(name);
      directory(`${sharesDownload}/${name}`, 0o750, { uid: root, gid: user.gid });
      directory(`${sharesConfirm}/${name}`, 0o700, { uid: user.uid, gid });
    }
    for (const name of new Set(handers.map(({ user }) => user))) {
      directory(`${sharesUpload}/${name}`, 0o700, { uid: this.#place.user(name).uid, gid });
    }
  }

  /** Puts a share where its holder can fetch it. */
  offer({ user, hex }: ShareHolder, share: Uint8Array): void {
    const { uid } = this.#place.owner;
    const path = `${this.#place.paths.sharesDownload}/${user}/${hex}.share`;
    writeFileAtomic(path, share, { mode: 0o640, uid, gid: this.#place.user(user).gid });
  }

  /** The digest that a holder says the fetched file has; undefined if there is none, or none to be trusted. */
  confirmation({ user, hex }: ShareHolder): string | undefined {
    try {
      const path = `${this.#place.paths.sharesConfirm}/${user}/${hex}`;
      const owners = [this.#place.user(user).uid];
      const bytes = readSafeFile(path, { maxBytes: confirmationBytes, owners, mode: "private" });
      return /^([0-9a-f]{64})\n$/.exec(Buffer.from(bytes).toString("latin1"))?.[1];
    } catch (thrown) {
      if (thrown instanceof HostError) return undefined;
      throw thrown;
    }
  }

  /** Takes back all shares that wait and forgets all confirmations, also of users that the configuration has no more. */
  withdraw(): void {
    const { sharesDownload, sharesConfirm } = this.#place.paths;
    for (const parent of [sharesDownload, sharesConfirm]) {
      for (const user of namesIn(parent)) {
        for (const name of namesIn(`${parent}/${user}`)) removeEntry(`${parent}/${user}/${name}`);
      }
    }
  }

  /** What has been handed in by those who may. */
  handedIn(handers: readonly ShareHolder[]): { readonly votes: readonly Vote[]; readonly strays: readonly Stray[] } {
    const votes: Vote[] = [];
    const strays: Stray[] = [];
    for (const user of new Set(handers.map((each) => each.user))) {
      const directory = `${this.#place.paths.sharesUpload}/${user}`;
      const filesOf = (name: string) =>
        Object.values(handedInSuffixes).map((suffix) => `${directory}/${name}${suffix}`);
      const { shares, unusable } = handedIn(directory, this.#place.user(user).uid);
      for (const { name, problem } of unusable) strays.push({ files: filesOf(name), why: problem });
      for (const { name, key, share, intent } of shares) {
        const by = handers.find((each) => each.user === user && each.hex === key);
        const files = filesOf(name);
        const at = namedAt(`${directory}/${name}${handedInSuffixes.share}`);
        if (by !== undefined && at !== undefined) votes.push({ by, share, intent, at, files });
        else {
          share.share[Symbol.dispose]();
          strays.push({ files, why: "the configuration does not know the SSH key" });
        }
      }
    }
    return { votes, strays };
  }

  /** One that its holder has cast anew meanwhile stays: it is another. */
  removeVotes(votes: Iterable<Vote>): void {
    for (const { files, at } of votes) {
      const [share = ""] = files;
      if (namedAt(share) === at) this.remove(files);
    }
  }

  remove(files: Iterable<string>): void {
    for (const file of files) removeEntry(file);
  }
}

/** The kernel's word: the owner of a file can set its other times to whatever they like. */
function namedAt(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ctimeMs;
}

function directory(path: string, mode: number, { uid, gid }: { uid: number; gid: number }): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  makeDirectory(dirname(path), 0o755);
  makeDirectory(path, mode);
  chownSync(path, uid, gid);
}

/** A directory in the place of a file is not ours, and holds nobody up. */
function removeEntry(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  removeFile(path);
}
