import type { Ending } from "@signstar/command/run-forced";
import type { Option, Options } from "@signstar/command/spec";
import { version } from "@signstar/command/version";
import { loadConfig } from "@signstar/config/load";
import type { Config } from "@signstar/config/model";
import { type Caller, currentUser, effectiveUid } from "@signstar/host/caller";
import { type Fields, type Journal, openJournal, Priority } from "@signstar/host/journal";
import { type Paths, pathsUnder } from "@signstar/host/paths";
import { randomUuid } from "@signstar/host/random-uuid";
import { type ClientKey, type SshSession, sshSession } from "@signstar/host/ssh-session";
import { Exit, Failure, messageOf } from "@signstar/primitives/failure";
import { ApplianceError } from "./errors.ts";

/** What every program behind ForceCommand understands. */
export const serverOptions: readonly Option[] = [
  { name: "config", value: "FILE", description: "the configuration, instead of those in the default places" },
  { name: "root", value: "DIR", description: "prefix of every path", default: "/" },
];

export interface Opened {
  readonly caller: Caller;
  readonly config: Config;
}

/** One run of a program: who asks, with which config, and what the journal is told of it (`docs/log-events.md`). */
export class Session {
  readonly id: string = randomUuid();
  readonly root: string;
  readonly paths: Paths;
  readonly #program: string;
  readonly #config: string | undefined;
  readonly #began = performance.now();
  readonly #recorded = new WeakSet<object>();
  #audit: Config["log"]["audit"] = "required";
  #journal: Journal | undefined;
  #started: Promise<void> | undefined;
  #unreachable: unknown;
  #client: ClientKey | undefined;

  constructor(program: string, options: Options) {
    this.#program = program;
    this.#config = options.text("config");
    this.root = options.text("root") ?? "/";
    this.paths = pathsUnder(this.root);
  }

  /**
   * Finds out who asks, records the start and reads the config. Throws HostError (77 for root, 67 for a uid without
   * name, 75 if the journal is required and cannot be reached) and ConfigError.
   */
  async open(): Promise<Opened> {
    const caller = currentUser({ root: this.root });
    const ssh = sshSession();
    this.#client = ssh.clientKey;
    // While the journal's socket becomes ready there is something to read.
    const started = this.#start({ user: caller.name, uid: caller.uid, ...sshFields(ssh) });
    const { config } = await loadConfig({ config: this.#config, root: this.root });
    await started;
    this.#audit = config.log.audit;
    if (this.#audit === "required" && this.#unreachable !== undefined) throw this.#unreachable;
    return { caller, config };
  }

  /** `SHA256:…` of the key that the client has logged in with, once `open` has found it. */
  get clientKey(): string | undefined {
    return this.#client?.fingerprint;
  }

  /**
   * The key that the client has logged in with, for programs that treat one key unlike another. Throws ApplianceError
   * (no-client-key) if sshd does not tell.
   */
  requireClientKey(): ClientKey {
    if (this.#client !== undefined) return this.#client;
    throw new ApplianceError("no-client-key", "this host does not know with which key you have logged in", {
      hint: "its sshd needs ExposeAuthInfo for this account",
      clientSafe: true,
    });
  }

  /** Throws HostError (75) if the journal is required and cannot be reached. */
  async entry(fields: Fields, priority: Priority = Priority.info): Promise<void> {
    try {
      await this.#journal?.entry(fields, priority);
    } catch (thrown) {
      if (this.#audit === "required") throw thrown;
    }
  }

  /** An entry of this kind about something thrown, which `ended` then need not record again. */
  async failed(fields: Fields, thrown: unknown): Promise<void> {
    if (thrown instanceof Error) this.#recorded.add(thrown);
    await this.entry({ ...fields, ...failureFields(thrown) }, priorityOf(thrown));
  }

  /**
   * Records how it ended, as far as the journal lets it: that changes nothing any more. What may still be under way
   * beside it keeps to the rules of `entry`.
   */
  async ended({ exit, failure, correlationId }: Ending): Promise<void> {
    const mayFail = () => undefined;
    // A refusal of the client's words comes before `open`.
    await this.#start(whoeverAsks(this.root));
    if (failure !== undefined && !(failure instanceof Error && this.#recorded.has(failure))) {
      await this.failed({ event: "refusal" }, failure).catch(mayFail);
    }
    const ms = Math.round(performance.now() - this.#began);
    await this.entry({ event: "session-end", exit, ms, correlation: correlationId }).catch(mayFail);
    this.#journal?.close();
  }

  #start(who: Omit<Fields, "event">): Promise<void> {
    this.#started ??= this.#connect(who);
    return this.#started;
  }

  async #connect(who: Omit<Fields, "event">): Promise<void> {
    const { journalSocket: socketPath } = this.paths;
    try {
      this.#journal = await openJournal({ identifier: this.#program, socketPath, session: this.id });
      await this.#journal.entry({ event: "session-start", program: this.#program, version, ...who });
    } catch (thrown) {
      this.#unreachable = thrown;
    }
  }
}

function sshFields({ clientKey, peer }: SshSession): Omit<Fields, "event"> {
  return { client_key: clientKey?.fingerprint, peer_address: peer?.address, peer_port: peer?.port };
}

/** As much as can be found out without failing. */
function whoeverAsks(root: string): Omit<Fields, "event"> {
  const attempt = (find: () => Omit<Fields, "event">): Omit<Fields, "event"> => {
    try {
      return find();
    } catch {
      return {};
    }
  };
  return {
    uid: effectiveUid(),
    ...attempt(() => ({ user: currentUser({ root }).name })),
    ...attempt(() => sshFields(sshSession())),
  };
}

function failureFields(thrown: unknown): Omit<Fields, "event"> {
  const causes: string[] = [];
  for (let cause = causeOf(thrown); cause !== undefined && causes.length < 5; cause = causeOf(cause)) {
    causes.push(messageOf(cause));
  }
  return {
    code: thrown instanceof Failure ? thrown.code : "internal-error",
    message: messageOf(thrown),
    hint: thrown instanceof Failure ? thrown.hint : undefined,
    cause: causes.length === 0 ? undefined : causes.join(" <- "),
    stack: thrown instanceof Failure || !(thrown instanceof Error) ? undefined : thrown.stack,
  };
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined;
}

/** What the client did wrong is a warning; what the appliance or a device does wrong, somebody has to look at. */
function priorityOf(thrown: unknown): Priority {
  const exit = thrown instanceof Failure ? thrown.exit : Exit.software;
  const ours: readonly Exit[] = [Exit.software, Exit.protocol, Exit.config, Exit.unavailable];
  return ours.includes(exit) ? Priority.error : Priority.warning;
}
