/** The client of one NetHSM. Every endpoint of the API is one method, grouped as the API groups them. */
import type { Secret } from "@signstar/primitives/secret";
import { Cluster } from "./cluster.ts";
import { Config } from "./config.ts";
import { Budget, type Deadlines, defaultDeadlines } from "./deadlines.ts";
import { Health, type Info, info } from "./health.ts";
import { random } from "./key-use.ts";
import { Keys } from "./keys.ts";
import { metrics } from "./metrics.ts";
import { Namespaces } from "./namespaces.ts";
import { lock, type Provisioning, provision, unlock } from "./provision.ts";
import { Session } from "./session.ts";
import { System } from "./system.ts";
import type { Connection } from "./tls.ts";
import { type Credentials, Transport } from "./transport.ts";
import { Users } from "./users.ts";

export type { Deadlines } from "./deadlines.ts";
export type { Credentials } from "./transport.ts";

export interface NetHsmOptions {
  readonly credentials?: Credentials | undefined;
  readonly deadlines?: Partial<Deadlines> | undefined;
  /** Default true. */
  readonly keepAlive?: boolean | undefined;
  /** Requests at a time; more wait. Default 16. */
  readonly maxSockets?: number | undefined;
}

/**
 * Nothing is opened before the first request. Idle connections do not keep the process alive; `close` ends them.
 * Every method throws NetHsmError (errors.ts).
 */
export class NetHsm implements Disposable {
  readonly connection: Connection;
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #budget: Budget | undefined;
  // Made when they are asked for: a request needs one of them, and has a client of its own.
  #health: Health | undefined;
  #users: Users | undefined;
  #namespaces: Namespaces | undefined;
  #keys: Keys | undefined;
  #config: Config | undefined;
  #system: System | undefined;
  #cluster: Cluster | undefined;

  /** `view` is for `as` and `within`: another user or budget over the same connections. */
  constructor(
    connection: Connection,
    options: NetHsmOptions = {},
    view?: { transport: Transport; budget?: Budget | undefined },
  ) {
    const { credentials, deadlines, keepAlive = true, maxSockets = 16 } = options;
    const settings = { deadlines: { ...defaultDeadlines, ...deadlines }, keepAlive, maxSockets };
    this.connection = connection;
    this.#transport = view?.transport ?? new Transport(connection, settings);
    this.#budget = view?.budget;
    this.#session = new Session(connection.url, this.#transport, credentials, this.#budget);
  }

  get health(): Health {
    this.#health ??= new Health(this.#session);
    return this.#health;
  }

  get users(): Users {
    this.#users ??= new Users(this.#session);
    return this.#users;
  }

  get namespaces(): Namespaces {
    this.#namespaces ??= new Namespaces(this.#session);
    return this.#namespaces;
  }

  get keys(): Keys {
    this.#keys ??= new Keys(this.#session);
    return this.#keys;
  }

  get config(): Config {
    this.#config ??= new Config(this.#session);
    return this.#config;
  }

  get system(): System {
    this.#system ??= new System(this.#session);
    return this.#system;
  }

  get cluster(): Cluster {
    this.#cluster ??= new Cluster(this.#session);
    return this.#cluster;
  }

  /** The same connections for another user. `close` of either closes both. */
  as(credentials: Credentials): NetHsm {
    return new NetHsm(this.connection, { credentials }, { transport: this.#transport, budget: this.#budget });
  }

  /**
   * The same connections and user, but a request that could not be sent within the budget (in milliseconds) fails with
   * `start-timeout`. The time starts now, and anew with every success.
   */
  within(budget: number | Budget): NetHsm {
    const { credentials } = this.#session;
    const own = typeof budget === "number" ? new Budget(budget) : budget;
    return new NetHsm(this.connection, { credentials }, { transport: this.#transport, budget: own });
  }

  /** Begins to open a connection, over which nothing is asked yet; whether that went well the first request will tell. */
  prepare(): void {
    this.#transport.prepare();
  }

  /** Ends all connections, so that nothing keeps the process alive. Requests under way fail. */
  close(): void {
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** GET /info: vendor and product. */
  async info(): Promise<Info> {
    return info(this.#session);
  }

  /** GET /metrics: name to decimal value. Metrics role. */
  async metrics(): Promise<ReadonlyMap<string, string>> {
    return metrics(this.#session);
  }

  /** POST /provision: Unprovisioned to Operational, with an Administrator `admin`. */
  async provision(input: Provisioning): Promise<void> {
    await provision(this.#session, input);
  }

  /** POST /unlock: Locked to Operational. */
  async unlock(passphrase: Secret): Promise<void> {
    await unlock(this.#session, passphrase);
  }

  /** POST /lock: Operational to Locked. Administrator without namespace. */
  async lock(): Promise<void> {
    await lock(this.#session);
  }

  /** POST /random: 1 to 1024 bytes. Operator role. */
  async random(length: number): Promise<Uint8Array> {
    return random(this.#session, length);
  }
}
