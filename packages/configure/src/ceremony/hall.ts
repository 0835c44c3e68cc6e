import type { CeremonyState, KnownSet, LastOutcome, PendingSet } from "@signstar/host/ceremony-state";
import { Exit, Failure, messageOf } from "@signstar/primitives/failure";
import type { AdminCredentials } from "../admin-credentials.ts";
import { administratorsOf } from "../desired.ts";
import { ConfigureError } from "../errors.ts";
import type { Site } from "../site.ts";
import { CeremonyFiles } from "./ceremony-files.ts";
import { type Sharing, wants } from "./holders.ts";
import { removeKeptSecret } from "./kept-secret.ts";
import { SecretMemory } from "./secret-memory.ts";
import { ShareFiles } from "./share-files.ts";

/** One event for the log, with a sentence for people. Nothing secret. */
export type Tell = (event: string, text: string, fields?: Readonly<Record<string, string | number>>) => void;

/** Where a ceremony takes place: the site, how its secret is shared, and what is known of the sets of shares. */
export class Hall {
  readonly site: Site;
  readonly sharing: Sharing;
  readonly tell: Tell;
  readonly memory: SecretMemory;
  readonly shares: ShareFiles;
  readonly #files: CeremonyFiles;
  #state: CeremonyState;

  constructor(site: Site, sharing: Sharing, tell: Tell) {
    this.site = site;
    this.sharing = sharing;
    this.tell = tell;
    this.memory = new SecretMemory(site.place);
    this.shares = new ShareFiles(site.place);
    this.#files = new CeremonyFiles(site.place);
    this.#state = this.#files.read();
  }

  get state(): CeremonyState {
    return this.#state;
  }

  /** On disk when it returns. */
  update(change: Partial<CeremonyState>): void {
    this.#state = { ...this.#state, ...change };
    this.#files.write(this.#state);
  }

  /** The sets that some device may answer to. */
  get live(): readonly KnownSet[] {
    return this.#state.sets.filter(({ standing }) => standing !== "void");
  }

  /** Whether every holder of the waiting shares has confirmed: from then on the set is needed. */
  isConfirmed({ set }: PendingSet): boolean {
    return this.live.some((each) => each.set === set);
  }

  /** Whether the shares that wait are what the configuration asks for. */
  isWanted(pending: PendingSet): boolean {
    return wants(this.sharing, { ...pending, holders: pending.holders.map(({ fingerprint }) => fingerprint) });
  }

  /** Whether a secret has the passphrase of every administrator that the configuration names. */
  covers({ administrators }: AdminCredentials): boolean {
    return administratorsOf(this.site.desired).every((user) => administrators.has(user));
  }

  /** Throws ConfigureError (conflict): a change of the secret ends as it was begun, before another one begins. */
  requireCovered(credentials: AdminCredentials): void {
    if (this.covers(credentials)) return;
    throw new ConfigureError(
      "conflict",
      "the new secret is not in force yet, and it was made before the configuration named further administrators",
      { hint: "take those out of the configuration until it is" },
    );
  }

  know(set: KnownSet): void {
    this.update({ sets: [...this.#state.sets.filter((each) => each.set !== set.set), set] });
  }

  /** Every device answers to this one now, and so to no other. */
  putInForce(set: string): void {
    const before = this.#state.sets;
    const own = before.flatMap((each): KnownSet[] => (each.set === set ? [{ ...each, standing: "in-force" }] : []));
    const others = before.filter((each) => each.set !== set);
    // Whose shares they are is of no use any more, and may be a lot: the state has a limit.
    const sets = [...others.map((each): KnownSet => ({ ...each, standing: "void", holders: [] })), ...own];
    // First: left beside a set in force, it would be taken for a rotation that is not finished.
    removeKeptSecret(this.site.place);
    this.update({ sets: sets.slice(-maxKnownSets) });
    for (const each of before) {
      if (each.set === set && each.standing !== "in-force")
        this.tell("set-in-force", `set ${set} is in force`, { set });
      if (each.set !== set && each.standing !== "void") {
        this.tell("set-void", `set ${each.set} is void, its shares may be destroyed`, { set: each.set });
      }
    }
  }

  /** Takes back the shares that wait, and forgets their secret. */
  forget(): void {
    this.shares.withdraw();
    this.memory.wipe();
    if (this.#state.pending !== undefined) this.update({ pending: undefined });
  }

  /** What holders are told of how it went. */
  end({ intent, outcome, message }: Omit<LastOutcome, "at">): void {
    const shown = message.replace(/\p{Cc}+/gu, " ").slice(0, 4000);
    this.update({ last: { at: this.site.now(), intent, outcome, message: shown } });
    this.tell("ended", `${intent}: ${outcome}: ${shown}`, { intent, outcome });
  }

  /**
   * Does what was decided and records a failure. What time may mend, and what was interrupted, the next run tries
   * again if it `repeats`; with anything else the holders have to deal first: `giveUp`.
   */
  async attempt<T>(
    intent: string,
    work: () => Promise<T>,
    { repeats, giveUp }: { readonly repeats: (thrown: unknown) => boolean; readonly giveUp: () => void },
  ): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const mayMend = (!(thrown instanceof Failure) || mendable.has(thrown.exit)) && repeats(thrown);
      if (!mayMend) giveUp();
      // Only a Failure is worded for people to see.
      const why = thrown instanceof Failure ? messageOf(thrown) : "internal error";
      this.end({ intent, outcome: "failed", message: `${why}${mayMend ? "; it is tried again" : ""}` });
      throw thrown;
    }
  }
}

/** What a later run may find otherwise. */
const mendable: ReadonlySet<Exit> = new Set([Exit.unavailable, Exit.tempFail, Exit.io]);

/** Void ones are kept so that their shares can be refused by name. */
const maxKnownSets = 32;
