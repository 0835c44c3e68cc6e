/** How long each phase of a request may take, in milliseconds. */
export interface Deadlines {
  /** Name resolution and TCP. */
  readonly connectMs: number;
  readonly tlsMs: number;
  /** From the last byte written to the answer's head. */
  readonly headersMs: number;
  /** The same where the device works long: key generation, backup, restore, update. */
  readonly slowHeadersMs: number;
  /** The whole body; of a stream, the longest silence in it. */
  readonly bodyMs: number;
}

export const defaultDeadlines: Deadlines = {
  connectMs: 1_000,
  tlsMs: 3_000,
  headersMs: 30_000,
  slowHeadersMs: 600_000,
  bodyMs: 30_000,
};

/** The time within which requests must be under way. It starts anew with every success. */
export class Budget {
  readonly ms: number;
  #until: number;

  constructor(ms: number) {
    this.ms = ms;
    this.#until = performance.now() + ms;
  }

  /** Milliseconds, 0 when it is spent. */
  get left(): number {
    return Math.max(0, this.#until - performance.now());
  }

  renew(): void {
    this.#until = performance.now() + this.ms;
  }
}

/** One timer that is wound up for each phase in turn. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined;

  set(ms: number, ring: () => void): void {
    this.clear();
    this.#timer = setTimeout(ring, ms);
  }

  /** The full time again, for the phase it was set for. */
  rewind(): void {
    this.#timer?.refresh();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Of somebody who waits; lost once and for good. Watching an AbortSignal costs as much as a signature. */
export class Patience {
  #reason: Error | undefined;
  #told: ((reason: Error) => void) | undefined;

  /** The one who is told when it is lost, at once if it is already; there is never a second one. */
  watch(told: ((reason: Error) => void) | undefined): void {
    this.#told = told;
    if (this.#reason !== undefined) told?.(this.#reason);
  }

  lose(reason: Error): void {
    this.#reason ??= reason;
    this.#told?.(this.#reason);
  }
}

/** Lets a number of holders in, the others wait in order. */
export class Turnstile {
  readonly #places: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#places = places;
  }

  /** Resolves with the function that gives the place back (once). Rejects with the reason for which patience is lost. */
  async enter(patience: Patience): Promise<() => void> {
    if (this.#inside < this.#places) this.#inside += 1;
    else await this.#queue(patience);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      // The place goes to the next in line without becoming free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    };
  }

  #queue(patience: Patience): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = () => {
        patience.watch(undefined);
        resolve();
      };
      this.#waiting.push(admit);
      patience.watch((reason) => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        reject(reason);
      });
    });
  }
}
