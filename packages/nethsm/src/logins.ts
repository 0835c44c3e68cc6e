/**
 * Which passphrase of a user a device takes. During a rotation there are two, the current one and the one before.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { NetHsm } from "./client.ts";
import type { Budget } from "./deadlines.ts";
import { NetHsmError } from "./errors.ts";
import { pauseLeft } from "./pauses.ts";
import type { Credentials } from "./transport.ts";

export interface LoggedIn<T> {
  readonly value: T;
  /** Which of the given credentials it was. */
  readonly login: number;
}

/** One device's view: it remembers which of a user's credentials was taken last. */
export class Logins {
  readonly #hsm: NetHsm;
  readonly #preferred = new Map<string, number>();

  constructor(hsm: NetHsm) {
    this.#hsm = hsm;
  }

  /**
   * Runs `work` as the user of `credentials`: all of one user, the current passphrase first. Each is tried once at
   * most; a 429 is waited out once. An empty list means no user. With a budget no pause is begun that would exceed it.
   * Throws what `work` throws.
   */
  async run<T>(
    credentials: readonly Credentials[],
    work: (hsm: NetHsm) => Promise<T>,
    budget?: Budget,
  ): Promise<LoggedIn<T>> {
    const hsm = budget === undefined ? this.#hsm : this.#hsm.within(budget);
    const refused = new Set<number>();
    let throttled = false;
    let failure: unknown;
    for (;;) {
      const login = this.#next(credentials, refused);
      const chosen = login === undefined ? undefined : credentials[login];
      if (login === undefined || chosen === undefined) {
        if (failure !== undefined) throw failure;
        return { value: await work(hsm), login: 0 };
      }
      await this.#waitFor(chosen.user, budget, failure);
      // Somebody else may have found out meanwhile which passphrase is taken.
      if (this.#next(credentials, refused) !== login) continue;
      try {
        return { value: await work(hsm.as(chosen)), login };
      } catch (error) {
        if (!(error instanceof NetHsmError)) throw error;
        failure = error;
        if (error.code === "unauthorized") {
          refused.add(login);
          this.#forget(chosen.user, login, credentials.length);
        } else if (error.code === "too-many-requests" && !throttled) {
          throttled = true;
        } else {
          throw error;
        }
      }
    }
  }

  #next(credentials: readonly Credentials[], refused: ReadonlySet<number>): number | undefined {
    const preferred = this.#preferred.get(credentials[0]?.user ?? "") ?? 0;
    const candidates = [preferred, ...credentials.keys()].filter((login) => login < credentials.length);
    return candidates.find((login) => !refused.has(login));
  }

  /** The next of the list is preferred from now on, unless another request has changed that already. */
  #forget(user: string, login: number, count: number): void {
    if ((this.#preferred.get(user) ?? 0) === login) this.#preferred.set(user, (login + 1) % count);
  }

  async #waitFor(user: string, budget: Budget | undefined, failure: unknown): Promise<void> {
    const device = this.#hsm.connection.url;
    for (let left = pauseLeft(device, user); left > 0; left = pauseLeft(device, user)) {
      if (budget !== undefined && budget.left <= left) {
        throw (
          failure ??
          new NetHsmError("too-many-requests", `user ${user} has to wait at ${device} after a failed login`, { device })
        );
      }
      await sleep(left);
    }
  }
}
