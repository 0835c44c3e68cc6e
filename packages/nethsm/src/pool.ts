/**
 * Several devices with the same keys: a request goes to one of them, and to the next if that one cannot serve it.
 */
import { Exit, Failure, messageOf } from "@signstar/primitives/failure";
import { type Deadlines, NetHsm } from "./client.ts";
import { Budget } from "./deadlines.ts";
import { NetHsmError, type NetHsmErrorCode } from "./errors.ts";
import { Logins } from "./logins.ts";
import type { Connection, DeviceUrl } from "./tls.ts";
import type { Credentials } from "./transport.ts";

export interface PoolOptions {
  /** From 0 (inclusive) to 1 (exclusive), like Math.random: chooses the device to begin with. */
  readonly random: () => number;
  /** A request not under way after this time, over all devices, fails. Default 4500 ms. */
  readonly startWithinMs?: number;
  /** A device that could not be used goes to the end of the line for this time. Default 10 s. */
  readonly avoidMs?: number;
  readonly deadlines?: Partial<Deadlines>;
  /** Requests at a time per device. */
  readonly maxSockets?: number;
}

/** A device that was asked in vain, and why. */
export interface Skipped {
  readonly device: DeviceUrl;
  readonly error: Failure;
}

export interface PoolAnswer<T> {
  readonly value: T;
  /** The device that gave it. */
  readonly device: DeviceUrl;
  /** Which of the credentials it took. */
  readonly login: number;
  readonly skipped: readonly Skipped[];
}

interface Place {
  readonly hsm: NetHsm;
  readonly logins: Logins;
  avoidUntil: number;
}

/** The device cannot serve now, or not us; another one may. All others (403, 404, 409 …) are true of every device. */
const movingOn: ReadonlySet<NetHsmErrorCode> = new Set([
  "unreachable",
  "connect-timeout",
  "tls-timeout",
  "tls-failed",
  "tls-untrusted",
  "tls-pin-mismatch",
  "start-timeout",
  "connection-lost",
  "headers-timeout",
  "body-timeout",
  "wrong-state",
  "device-error",
  "unauthorized",
  "too-many-requests",
]);

export class Pool implements Disposable {
  readonly #places: readonly Place[];
  readonly #random: () => number;
  readonly #startWithinMs: number;
  readonly #avoidMs: number;
  /** Where the next request begins, if that is decided. */
  #start: number | undefined;

  constructor(connections: readonly Connection[], options: PoolOptions) {
    const { random, startWithinMs = 4_500, avoidMs = 10_000, deadlines, maxSockets } = options;
    this.#places = connections.map((connection) => {
      const hsm = new NetHsm(connection, { deadlines, maxSockets });
      return { hsm, logins: new Logins(hsm), avoidUntil: 0 };
    });
    this.#random = random;
    this.#startWithinMs = startWithinMs;
    this.#avoidMs = avoidMs;
  }

  /**
   * Runs `work` on one device after the other until one succeeds: from a random one on, those that failed lately last.
   * `work` may so be run several times, the last time perhaps after a device has done it without our knowing. It moves
   * on if the device cannot be reached, is not Operational, fails, or answers nonsense (any Failure with exit 76, also
   * of `work` itself: a signature that does not verify). `credentials`: of one user, the current passphrase first.
   * Throws what `work` threw if that is no reason to move on, or if there is no other device; else `no-device`.
   */
  async run<T>(credentials: readonly Credentials[], work: (hsm: NetHsm) => Promise<T>): Promise<PoolAnswer<T>> {
    const budget = new Budget(this.#startWithinMs);
    const skipped: Skipped[] = [];
    for (const place of this.#order()) {
      const device = place.hsm.connection.url;
      if (skipped.length > 0 && budget.left === 0) {
        skipped.push({
          device,
          error: new NetHsmError("start-timeout", `${device}: not asked, the time was over`, { device }),
        });
        continue;
      }
      try {
        const { value, login } = await place.logins.run(credentials, work, budget);
        place.avoidUntil = 0;
        return { value, device, login, skipped };
      } catch (error) {
        if (!isReasonToMoveOn(error)) throw error;
        skipped.push({ device, error });
        place.avoidUntil = performance.now() + this.#avoidMs;
        // It took its time over a request that was sent; the next device is to have its own.
        if (error.code === "headers-timeout" || error.code === "body-timeout") budget.renew();
      }
    }
    throw noDevice(skipped);
  }

  /** Begins to open a connection to the device that the next request goes to first. */
  prepare(): void {
    this.#start = this.#randomPlace();
    this.#places[this.#start]?.hsm.prepare();
  }

  /** Ends all connections, so that nothing keeps the process alive. */
  close(): void {
    for (const { hsm } of this.#places) hsm.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #randomPlace(): number {
    return Math.floor(this.#random() * this.#places.length);
  }

  #order(): readonly Place[] {
    const start = this.#start ?? this.#randomPlace();
    this.#start = undefined;
    const turned = [...this.#places.slice(start), ...this.#places.slice(0, start)];
    const now = performance.now();
    return turned.toSorted((a, b) => Number(a.avoidUntil > now) - Number(b.avoidUntil > now));
  }
}

function isReasonToMoveOn(error: unknown): error is Failure {
  if (error instanceof NetHsmError && movingOn.has(error.code)) return true;
  return error instanceof Failure && error.exit === Exit.protocol;
}

function noDevice(skipped: readonly Skipped[]): Failure {
  const [first, ...others] = skipped;
  if (first === undefined) return new NetHsmError("no-device", "no device is configured", { exit: Exit.config });
  if (others.length === 0) return first.error;
  const { exit, hint } = first.error;
  const reasons = skipped.map(({ error }) => messageOf(error));
  return new NetHsmError("no-device", `none of ${skipped.length} devices could be used: ${reasons.join("; ")}`, {
    exit: others.every(({ error }) => error.exit === exit) ? exit : Exit.unavailable,
    hint,
    cause: new AggregateError(skipped.map(({ error }) => error)),
  });
}
