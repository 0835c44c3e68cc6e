/** Many signatures in a row: each is safe on disk before it has its name. */
import { fsync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type NewFile, openNew, syncFolder } from "./new-file.ts";

/** Called when a file has its name, or with the ClientError `cannot-create` why it has none. */
type Done = (failure?: unknown) => void;

interface Waiting {
  readonly target: string;
  readonly bytes: Uint8Array;
  readonly done: Done;
}

/** Files that are made and synced together: most of the price of a sync is paid once for all of them. */
const groupSize = 64;

export class Writer {
  readonly #force: boolean;
  readonly #folders = new Set<string>();
  readonly #group: Waiting[] = [];
  readonly #open = new Set<NewFile>();
  #under: Promise<void> | undefined;

  constructor(force: boolean) {
    this.#force = force;
  }

  /** Resolves when the next may come. `done` may be called later. */
  async write(target: string, bytes: Uint8Array, done: Done): Promise<void> {
    this.#group.push({ target, bytes, done });
    this.#begin();
    while (this.#group.length >= groupSize) await this.#under;
  }

  /** Resolves when everything has its name, for good. */
  async finish(): Promise<void> {
    while (this.#under !== undefined) await this.#under;
    for (const folder of this.#folders) syncFolder(folder);
  }

  /** Removes what has no name yet. */
  abandon(): void {
    for (const made of this.#open) made.remove();
  }

  /** Whatever comes while a group is synced is the next group. */
  #begin(): void {
    if (this.#under !== undefined || this.#group.length === 0) return;
    this.#under = this.#publishGroup().finally(() => {
      this.#under = undefined;
      this.#begin();
    });
    // What `done` throws is met where this is waited for.
    this.#under.catch(() => undefined);
  }

  async #publishGroup(): Promise<void> {
    // Answers that come in one turn of the event loop belong together.
    await setImmediate();
    const group = this.#group.splice(0).map((waiting) => ({ ...waiting, made: this.#make(waiting) }));
    const problems = await Promise.all(group.map(({ made }) => made && synced(made.fd)));
    for (const [i, { target, made, done }] of group.entries()) {
      if (made === undefined) continue;
      this.#open.delete(made);
      try {
        made.publish(this.#force, problems[i] ?? null);
        this.#folders.add(dirname(target));
      } catch (thrown) {
        done(thrown);
        continue;
      }
      done();
    }
  }

  #make({ target, bytes, done }: Waiting): NewFile | undefined {
    try {
      const made = openNew(target, bytes);
      this.#open.add(made);
      return made;
    } catch (thrown) {
      done(thrown);
      return undefined;
    }
  }
}

function synced(fd: number): Promise<Error | null> {
  return new Promise((resolve) => fsync(fd, resolve));
}
