import { NetHsm } from "@signstar/nethsm/client";
import { NetHsmError } from "@signstar/nethsm/errors";
import { type KeyId, namespaceOf, type UserId } from "@signstar/nethsm/ids";
import { Logins } from "@signstar/nethsm/logins";
import type { Connection } from "@signstar/nethsm/tls";
import type { Credentials } from "@signstar/nethsm/transport";
import type { SystemState } from "@signstar/nethsm/types";
import { Failure } from "@signstar/primitives/failure";

/** A scrape is commonly given up after ten seconds. */
const wholeMs = 8_000;
const deadlines = { connectMs: 1_000, tlsMs: 2_000, headersMs: 4_000, bodyMs: 4_000 } as const;
const maxSockets = 8;

/** The passphrases of one user of the device, the current one first. */
export interface Login {
  readonly user: UserId;
  readonly credentials: readonly Credentials[];
}

/** What could be learnt of one device; what is undefined could not. */
export interface Observation {
  readonly state: SystemState | undefined;
  /** How long the device took to tell its state. */
  readonly stateSeconds: number | undefined;
  readonly metrics: ReadonlyMap<string, string> | undefined;
  readonly metricsSeconds: number | undefined;
  /** By namespace, `""` for keys without: operations of each key. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<KeyId, number> | undefined>;
  readonly problems: readonly Failure[];
}

/** Asks one device for everything, within the time that a scrape has. Throws nothing that is the device's fault. */
export async function observe(
  connection: Connection,
  metricsUser: Login,
  operators: readonly Login[],
): Promise<Observation> {
  using hsm = new NetHsm(connection, { deadlines, maxSockets });
  const alarm = new Alarm(hsm, connection.url);
  try {
    const logins = new Logins(hsm);
    const state = await alarm.attempt(() => hsm.health.state());
    const operational = state.value === "Operational";
    const metrics = operational
      ? await alarm.attempt(async () => (await logins.run(metricsUser.credentials, (as) => as.metrics())).value)
      : undefined;
    const counters = new Map<string, ReadonlyMap<KeyId, number> | undefined>();
    for (const { user, credentials } of operational ? operators : []) {
      const namespace = namespaceOf(user) ?? "";
      // Any Operator sees all keys of its namespace.
      if (counters.get(namespace) !== undefined) continue;
      const read = await alarm.attempt(async () => (await logins.run(credentials, countersOf)).value);
      counters.set(namespace, read.value);
    }
    return {
      state: state.value,
      stateSeconds: state.seconds,
      metrics: metrics?.value,
      metricsSeconds: metrics?.seconds,
      counters,
      problems: alarm.problems,
    };
  } finally {
    alarm.clear();
  }
}

async function countersOf(hsm: NetHsm): Promise<ReadonlyMap<KeyId, number>> {
  const ids = await hsm.keys.list();
  return new Map(await Promise.all(ids.map(async (id) => [id, (await hsm.keys.get(id)).operations] as const)));
}

interface Attempt<T> {
  readonly value: T | undefined;
  readonly seconds: number | undefined;
}

/** Ends all that is asked of the device when the time is over, and keeps what went wrong. */
class Alarm {
  readonly problems: Failure[] = [];
  readonly #device: string;
  readonly #timer: NodeJS.Timeout;
  #over = false;

  constructor(hsm: NetHsm, device: string) {
    this.#device = device;
    this.#timer = setTimeout(() => {
      this.#over = true;
      hsm.close();
    }, wholeMs);
  }

  async attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
    const began = performance.now();
    try {
      if (this.#over) throw this.#late();
      const value = await work();
      return { value, seconds: (performance.now() - began) / 1000 };
    } catch (thrown) {
      const problem = this.#over ? this.#late() : thrown;
      if (!(problem instanceof Failure)) throw problem;
      this.problems.push(problem);
      return { value: undefined, seconds: undefined };
    }
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #late(): NetHsmError {
    const device = this.#device;
    return new NetHsmError("headers-timeout", `${device}: was not done within ${wholeMs} ms`, { device });
  }
}
