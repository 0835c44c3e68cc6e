/** Exact reads from a stream of chunks. Memory grows with what arrives, never with what a length field claims. */
import { concat } from "@signstar/primitives/bytes";
import { BackupError } from "./errors.ts";

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: Chunks) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /** Exactly `length` bytes. Throws BackupError `truncated`, naming what is missing. */
  async read(length: number, what: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#refill())) {
        throw new BackupError("truncated", `the file ends ${missing} bytes before the end of ${what}`, {
          hint: "fetch the backup again",
        });
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return concat(...parts);
  }

  async atEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#refill());
  }

  async #refill(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      if (next.value.length > 0) {
        this.#rest = next.value;
        return true;
      }
    }
  }
}
