/** One open connection and the exchanges over it, one after the other. */
import type { TLSSocket } from "node:tls";
import type { Head } from "./answer-head.ts";
import { AnswerParser } from "./answer-parser.ts";
import { Trouble } from "./trouble.ts";

/** Shorter than the 5 s after which servers commonly close an idle connection: who is first loses no request. */
const idleMs = 4_000;

/** So much of a body may wait for its reader before the device has to. */
const highWater = 256 * 1024;

export class Wire {
  readonly #socket: TLSSocket;
  #exchange: Exchange | undefined;
  #hasRested = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setTimeout(idleMs);
    socket.on("timeout", () => {
      if (this.#exchange === undefined) socket.destroy();
    });
    // What comes unasked is the answer to nothing.
    socket.on("data", (bytes: Uint8Array) => {
      if (this.#exchange === undefined) socket.destroy();
      else this.#exchange.take(bytes);
    });
    socket.on("end", () => this.#exchange?.close());
    socket.on("error", (error) => this.#exchange?.lose(error));
    socket.on("close", () => this.#exchange?.lose(undefined));
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.readable && this.#socket.writable;
  }

  /** Nothing else may be under way. */
  begin(method: string): Exchange {
    this.#socket.ref();
    this.#exchange = new Exchange(this.#socket, method, this.#hasRested);
    return this.#exchange;
  }

  /** An idle connection does not keep the process alive. */
  rest(ms: number | undefined): void {
    this.#exchange = undefined;
    this.#hasRested = true;
    // Wound up anew: it has run out already if the end of the answer waited for its reader.
    this.#socket.setTimeout(Math.min(idleMs, ms ?? idleMs));
    this.#socket.resume();
    this.#socket.unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** A request and its answer. */
export class Exchange {
  readonly head: Promise<Head>;
  /** The whole request is on its way. */
  sent = false;
  readonly #socket: TLSSocket;
  readonly #parser: AnswerParser;
  readonly #hasRested: boolean;
  readonly #answered: (head: Head) => void;
  readonly #failed: (reason: unknown) => void;
  #reason: unknown;
  #begun = false;
  #surplus = false;
  #over: Head | undefined;
  #pieces: Uint8Array[] = [];
  #waiting = 0;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket, method: string, hasRested: boolean) {
    this.#socket = socket;
    this.#hasRested = hasRested;
    const { promise, resolve, reject } = Promise.withResolvers<Head>();
    this.head = promise;
    // Who writes a long body hears of it from there.
    promise.catch(() => undefined);
    this.#answered = resolve;
    this.#failed = reject;
    this.#parser = new AnswerParser(method, {
      head: (head) => {
        this.#over = head;
        this.#answered(head);
      },
      body: (bytes) => this.#keep(bytes),
      end: () => this.#wake?.(),
    });
    // Then no event will say so any more.
    if (socket.destroyed) this.lose(undefined);
  }

  /** The connection may carry another exchange, idle for this long at most. */
  get reusable(): boolean {
    return this.sent && this.#parser.ended && !this.#surplus && this.#over?.idleMs !== 0 && !this.#socket.destroyed;
  }

  get idleMs(): number | undefined {
    return this.#over?.idleMs;
  }

  get broken(): boolean {
    return this.#socket.destroyed;
  }

  /** Resolves when there is room for more; at once if the connection has broken, which the answer will tell. */
  write(bytes: Uint8Array, written?: () => void): Promise<void> | undefined {
    if (this.#socket.write(bytes, written)) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off("drain", done).off("close", done);
        resolve();
      };
      this.#socket.on("drain", done).on("close", done);
    });
  }

  /** The next piece of the body, undefined behind the last. Throws Trouble. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0 && !this.#parser.ended) {
      if (this.#reason !== undefined) throw this.#reason;
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const piece = this.#pieces.shift();
    this.#waiting -= piece?.length ?? 0;
    return piece;
  }

  /** Breaks the exchange and its connection off. */
  abandon(reason: unknown): void {
    this.#fail(reason);
    this.#socket.destroy();
  }

  take(bytes: Uint8Array): void {
    this.#begun = true;
    try {
      if (this.#parser.feed(bytes) < bytes.length) this.#surplus = true;
    } catch (error) {
      this.abandon(error);
    }
  }

  close(): void {
    this.#parser.close();
  }

  lose(cause: Error | undefined): void {
    if (this.#parser.ended) return;
    if (this.#over !== undefined) {
      this.#fail(new Trouble("connection-lost", "connection was lost within the answer", { cause }));
      return;
    }
    const why = cause === undefined ? "" : `: ${cause.message}`;
    const trouble = new Trouble("connection-lost", `connection was lost before the answer${why}`, {
      cause,
      hint: "whether the device has done it is unknown: look before you repeat it",
    });
    this.#fail(this.#hasRested && !this.#begun ? new StaleConnection(trouble) : trouble);
  }

  #keep(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting > highWater) this.#socket.pause();
    this.#wake?.();
  }

  #fail(reason: unknown): void {
    this.#reason ??= reason;
    this.#failed(this.#reason);
    this.#wake?.();
  }
}

/** The device had closed a kept-alive connection before it saw the request. */
export class StaleConnection extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble.message);
    this.trouble = trouble;
  }
}
