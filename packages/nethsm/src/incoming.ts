/** An answer whose head has arrived. Its body is read once, by `collect` or by `stream`. */
import { concat } from "@signstar/primitives/bytes";
import type { Head } from "./answer-head.ts";
import { Alarm } from "./deadlines.ts";
import { Trouble } from "./trouble.ts";
import type { Exchange } from "./wire.ts";

export class Incoming {
  readonly status: number;
  readonly contentType: string;
  readonly #exchange: Exchange;
  readonly #bodyMs: number;
  readonly #leave: () => void;
  readonly #bodiless: boolean;

  /** `leave` gives the connection back, or ends it unless question and answer are both complete. */
  constructor(head: Head, exchange: Exchange, { bodyMs, leave }: { readonly bodyMs: number; leave(): void }) {
    this.status = head.status;
    this.contentType = head.contentType;
    this.#exchange = exchange;
    this.#bodyMs = bodyMs;
    this.#leave = leave;
    this.#bodiless = head.body === 0;
    if (this.#bodiless) leave();
  }

  /** The whole body, within the body deadline. Throws Trouble. */
  async collect(maxBytes: number): Promise<Uint8Array> {
    if (this.#bodiless) return new Uint8Array(0);
    const alarm = this.#alarm(`answer not complete within ${this.#bodyMs} ms`);
    try {
      const pieces: Uint8Array[] = [];
      let total = 0;
      for (let piece = await this.#exchange.next(); piece !== undefined; piece = await this.#exchange.next()) {
        total += piece.length;
        if (total > maxBytes) throw new Trouble("answer-too-large", `answer is longer than ${maxBytes} bytes`);
        pieces.push(piece);
      }
      return concat(...pieces);
    } finally {
      alarm.clear();
      this.#leave();
    }
  }

  /** The body as it comes; no silence in it is longer than the body deadline. Throws Trouble while iterated. */
  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    // The connection was given back, and may be another's by now.
    if (this.#bodiless) return;
    try {
      for (;;) {
        // The time that the reader takes is not the device's.
        const alarm = this.#alarm(`answer was silent for ${this.#bodyMs} ms`);
        let piece: Uint8Array | undefined;
        try {
          piece = await this.#exchange.next();
        } finally {
          alarm.clear();
        }
        if (piece === undefined) return;
        yield piece;
      }
    } finally {
      this.#leave();
    }
  }

  #alarm(problem: string): Alarm {
    const alarm = new Alarm();
    alarm.set(this.#bodyMs, () => this.#exchange.abandon(new Trouble("body-timeout", problem)));
    return alarm;
  }
}
