/** Many signatures in a row: each is safe on disk before it has its name, and several are under way at a time. */
import { fsync } from "node:fs";
import { dirname } from "node:path";
import { type NewFile, openNew, syncFolder } from "./output.ts";

/** As many as Node's own threads can sync at a time. */
const width = 4;

export class Writer {
  readonly #force: boolean;
  readonly #open = new Set<NewFile>();
  readonly #folders = new Set<string>();
  #under: Promise<void>[] = [];

  constructor(force: boolean) {
    this.#force = force;
  }

  /**
   * Resolves when the next may come. `done` is told when the file has its name or why it has none, which is a
   * ClientError `cannot-create`.
   */
  async write(target: string, bytes: Uint8Array, done: (failure?: unknown) => void): Promise<void> {
    let made: NewFile;
    try {
      made = openNew(target, bytes);
    } catch (thrown) {
      done(thrown);
      return;
    }
    this.#open.add(made);
    const publishing = this.#publish(made, done);
    // What `done` throws is met where this is waited for.
    publishing.catch(() => undefined);
    this.#under.push(publishing);
    if (this.#under.length >= width) await this.#under.shift();
  }

  /** Resolves when everything has its name, for good. */
  async finish(): Promise<void> {
    await Promise.all(this.#under);
    this.#under = [];
    for (const folder of this.#folders) syncFolder(folder);
  }

  /** Removes what has no name yet. */
  abandon(): void {
    for (const made of this.#open) made.remove();
  }

  async #publish(made: NewFile, done: (failure?: unknown) => void): Promise<void> {
    const error = await new Promise<Error | null>((resolve) => fsync(made.fd, resolve));
    this.#open.delete(made);
    try {
      made.publish(this.#force, error);
      this.#folders.add(dirname(made.target));
      done();
    } catch (thrown) {
      done(thrown);
    }
  }
}
