/** An answer whose head has arrived. Its body is read once, by `collect` or by `stream`. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { concat } from "@signstar/primitives/bytes";
import { Trouble } from "./agent.ts";
import { Alarm } from "./deadlines.ts";

export class Incoming {
  readonly status: number;
  readonly contentType: string;
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;
  readonly #bodyMs: number;
  readonly #leave: () => void;
  readonly #bodiless: boolean;
  /** Why we broke it off, which Node would report as its own abort. */
  #trouble: Trouble | undefined;

  constructor(request: ClientRequest, response: IncomingMessage, bodyMs: number, leave: () => void) {
    this.status = response.statusCode ?? 0;
    this.contentType = response.headers["content-type"] ?? "";
    this.#request = request;
    this.#response = response;
    this.#bodyMs = bodyMs;
    this.#leave = leave;
    // Releases up to 4.0 send a body with 304, all send one to HEAD; the parser does not expect it and would take it
    // for the head of the next answer. So such a connection is not used again.
    this.#bodiless = this.status === 304 || request.method === "HEAD";
    response.on("error", () => {});
    if (this.#bodiless) this.#end();
  }

  /** The whole body, within the body deadline. Throws Trouble. */
  async collect(maxBytes: number): Promise<Uint8Array> {
    if (this.#bodiless) return new Uint8Array(0);
    const alarm = new Alarm();
    alarm.set(this.#bodyMs, () =>
      this.#breakOff(new Trouble("body-timeout", `answer not complete within ${this.#bodyMs} ms`)),
    );
    try {
      return await this.#all(maxBytes);
    } finally {
      alarm.clear();
      this.#end();
    }
  }

  /** The body as it comes; no silence in it is longer than the body deadline. Throws Trouble while iterated. */
  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    const alarm = new Alarm();
    const wind = () =>
      alarm.set(this.#bodyMs, () =>
        this.#breakOff(new Trouble("body-timeout", `answer was silent for ${this.#bodyMs} ms`)),
      );
    try {
      wind();
      for await (const chunk of this.#chunks()) {
        // The time that the reader takes is not the device's.
        alarm.clear();
        yield chunk;
        wind();
      }
    } finally {
      alarm.clear();
      this.#end();
    }
  }

  /** By events, which for a short answer costs a fraction of iterating. */
  #all(maxBytes: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let total = 0;
      this.#response.on("data", (chunk: Uint8Array) => {
        total += chunk.length;
        if (total <= maxBytes) chunks.push(chunk);
        else reject(new Trouble("answer-too-large", `answer is longer than ${maxBytes} bytes`));
      });
      this.#response.once("end", () => resolve(concat(...chunks)));
      this.#response.once("error", (cause) => reject(this.#lost(cause)));
      this.#response.once("close", () => {
        if (!this.#response.readableEnded) reject(this.#lost(undefined));
      });
    });
  }

  #lost(cause: unknown): Trouble {
    return this.#trouble ?? new Trouble("connection-lost", "connection was lost within the answer", { cause });
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of this.#response) yield chunk as Uint8Array;
    } catch (error) {
      throw this.#lost(error);
    }
  }

  #breakOff(trouble: Trouble): void {
    this.#trouble = trouble;
    this.#response.destroy(trouble);
  }

  /** Gives the connection back, or ends it unless question and answer are both complete. */
  #end(): void {
    if (this.#bodiless || !this.#response.complete || !this.#request.writableEnded) this.#request.destroy();
    this.#leave();
  }
}
