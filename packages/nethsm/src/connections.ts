/** The connections to one device: those that lie idle are used again. */
import type { SecureContext } from "node:tls";
import type { Patience } from "./deadlines.ts";
import { Dialing, type DialSettings, secureContextFor } from "./dialing.ts";
import { type Exchange, Wire } from "./wire.ts";

export class Connections {
  readonly #settings: DialSettings;
  readonly #keepAlive: boolean;
  readonly #idle: Wire[] = [];
  readonly #busy = new Set<Wire>();
  readonly #dialing = new Set<Dialing>();
  #spare: Dialing | undefined;
  #context: SecureContext | undefined;
  #isOver = false;

  constructor(settings: Omit<DialSettings, "secureContext">, keepAlive: boolean) {
    this.#settings = {
      ...settings,
      secureContext: () => {
        this.#context ??= secureContextFor(settings.tls);
        return this.#context;
      },
    };
    this.#keepAlive = keepAlive;
  }

  /** Begins to open a connection for the first that needs one. */
  prepare(): void {
    if (this.#isOver || this.#spare !== undefined || this.#idle.some(({ usable }) => usable)) return;
    const spare = this.#dial();
    this.#spare = spare;
    // Once it is open it is watched like any that lies idle: the device may end it before it is needed.
    spare.ready.then(
      (socket) => {
        if (this.#spare !== spare) return;
        this.#spare = undefined;
        this.#dialing.delete(spare);
        const wire = new Wire(socket);
        wire.rest(undefined);
        this.#idle.push(wire);
      },
      () => undefined,
    );
  }

  /** An idle connection or a new one. Throws Trouble, or why `patience` was lost. */
  async take(patience: Patience): Promise<Wire> {
    for (let wire = this.#idle.pop(); wire !== undefined; wire = this.#idle.pop()) {
      if (wire.usable) return this.#taken(wire);
    }
    const dialing = this.#spare ?? this.#dial();
    this.#spare = undefined;
    patience.watch((reason) => dialing.abandon(reason));
    try {
      return this.#taken(new Wire(await dialing.ready));
    } finally {
      patience.watch(undefined);
      this.#dialing.delete(dialing);
    }
  }

  /** The connection is used again if the exchange has left it in order. */
  giveBack(wire: Wire, { reusable, idleMs }: Exchange): void {
    this.#busy.delete(wire);
    if (!this.#keepAlive || !reusable) {
      wire.destroy();
      return;
    }
    wire.rest(idleMs);
    this.#idle.push(wire);
  }

  /** Ends all of them, also those that are still being opened; what is under way fails. */
  destroy(): void {
    this.#isOver = true;
    for (const dialing of this.#dialing) dialing.abandon();
    for (const wire of [...this.#busy, ...this.#idle]) wire.destroy();
  }

  #dial(): Dialing {
    const dialing = new Dialing(this.#settings);
    this.#dialing.add(dialing);
    return dialing;
  }

  #taken(wire: Wire): Wire {
    this.#busy.add(wire);
    return wire;
  }
}
