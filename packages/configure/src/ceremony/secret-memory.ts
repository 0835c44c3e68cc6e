/**
 * The admin secret while its shares wait for their holders, and beside it the one that is still in force: in /run, and
 * so in memory only. Both are kept sealed, as they are shared.
 */
import { basename, dirname } from "node:path";
import { makeDirectory, removeFile, writeFileAtomic } from "@signstar/host/atomic-file";
import { HostError } from "@signstar/host/errors";
import { namesIn, readSafeFile } from "@signstar/host/safe-file";
import { Secret } from "@signstar/primitives/secret";
import type { Place } from "../place.ts";

/** Some hundred administrators. */
const maxBytes = 64 * 1024;

/** To be disposed of. */
export interface Remembered extends Disposable {
  /** What is to be in force. */
  readonly next: Secret;
  /** What is, as long as any device answers to it. */
  readonly current: Secret | undefined;
}

export class SecretMemory {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Throws HostError if the file is not root's alone. */
  read(): Remembered | undefined {
    const next = this.#readFile(this.#place.paths.adminSecret);
    if (next === undefined) return undefined;
    const current = this.#readFile(this.#old);
    return {
      next,
      current,
      [Symbol.dispose]() {
        next[Symbol.dispose]();
        current?.[Symbol.dispose]();
      },
    };
  }

  /** The one in force first: a next one alone is that of devices which have none. */
  write({ next, current }: Omit<Remembered, keyof Disposable>): void {
    if (current === undefined) removeFile(this.#old);
    else this.#writeFile(this.#old, current);
    this.#writeFile(this.#place.paths.adminSecret, next);
  }

  /** Whether anything of a secret is there, be it what a run that was killed has left of one. */
  get isEmpty(): boolean {
    return this.#left().length === 0;
  }

  wipe(): void {
    for (const path of this.#left()) removeFile(path);
  }

  /** What is to be in force first: without it the other one is not used. */
  #left(): readonly string[] {
    const { adminSecret } = this.#place.paths;
    const [directory, name] = [dirname(adminSecret), basename(adminSecret)];
    const parts = namesIn(directory).filter((each) => each.startsWith(`.${name}.`));
    const whole = namesIn(directory).filter((each) => each === name || each === basename(this.#old));
    return [...whole, ...parts].map((each) => `${directory}/${each}`);
  }

  get #old(): string {
    return `${this.#place.paths.adminSecret}.old`;
  }

  #readFile(path: string): Secret | undefined {
    try {
      return Secret.take(readSafeFile(path, { maxBytes, owners: [this.#place.owner.uid], mode: "private" }));
    } catch (thrown) {
      if (thrown instanceof HostError && thrown.code === "file-missing") return undefined;
      throw thrown;
    }
  }

  #writeFile(path: string, secret: Secret): void {
    makeDirectory(dirname(path), 0o755);
    secret.use((bytes) => writeFileAtomic(path, bytes, { mode: 0o600, ...this.#place.owner }));
  }
}
