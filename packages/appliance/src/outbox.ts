import { setImmediate } from "node:timers/promises";

/** Payload that comes in one turn of the event loop leaves together: a packet of SSH costs more than a short answer. */
export class Outbox {
  readonly #send: (text: string) => Promise<void>;
  #kept: string[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(send: (text: string) => Promise<void>) {
    this.#send = send;
  }

  /** Resolves when `text` is on its way; then there is room for more. Throws what `send` throws, and sends no more. */
  add(text: string): Promise<void> {
    this.#kept.push(text);
    this.#next ??= this.#sendKept();
    return this.#next;
  }

  async #sendKept(): Promise<void> {
    const before = this.#last;
    await setImmediate();
    await before;
    const text = this.#kept.join("");
    this.#kept = [];
    this.#last = this.#send(text);
    this.#next = undefined;
    await this.#last;
  }
}
