import { createHash } from "node:crypto";
import type { Io } from "@signstar/command/io";
import { send } from "./send.ts";

/** A client that takes nothing for this long is gone; what it holds up is a device. */
const stallMs = 60_000;

/**
 * A file on its way to the client, read by whoever checks it. A piece leaves when the next one is asked for, so that
 * no piece leaves in which a fault was found; and none before `open`, which the head's check is to call.
 */
export class Passing {
  readonly #io: Pick<Io, "stream">;
  readonly #stallMs: number;
  #kept: Uint8Array[] | undefined = [];
  #bytes = 0;
  readonly #hash = createHash("sha256");

  constructor(io: Pick<Io, "stream">, options: { stallMs?: number } = {}) {
    this.#io = io;
    this.#stallMs = options.stallMs ?? stallMs;
  }

  /** How much has left. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Digest of what has left, in hex. */
  get sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  /** The same pieces, to be checked. What is read before `open` is kept in memory. */
  async *through(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      yield piece;
      if (this.#kept === undefined) await this.#send(piece);
      else this.#kept.push(piece);
    }
  }

  /** The head is good: from now on it flows. */
  async open(): Promise<void> {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const piece of kept) await this.#send(piece);
  }

  async #send(piece: Uint8Array): Promise<void> {
    await send(this.#io, piece, this.#stallMs);
    this.#hash.update(piece);
    this.#bytes += piece.length;
  }
}
