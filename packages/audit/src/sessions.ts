/** Puts entries together again: what a session has signed, and whether entries of it are missing. */
import type { Intent, SessionEnd, Verdict } from "./entry.ts";
import type { JournalRecord } from "./line.ts";
import type { Proof } from "./trust.ts";

/** One request for a signature, as far as the journal tells. */
export interface Signature {
  /** Milliseconds since 1970, of the first entry that there is of it. */
  readonly at: number | undefined;
  readonly request: string;
  /** `unfinished`: no verdict. Nothing was handed out then, unless the entry is missing. */
  readonly outcome: "signed" | "failed" | "unfinished";
  readonly digest: string;
  readonly key: string;
  readonly certificate: string | undefined;
  readonly user: string | undefined;
  readonly clientKey: string | undefined;
  readonly peer: string | undefined;
  readonly size: string | undefined;
  readonly claimedName: string | undefined;
  readonly device: string | undefined;
  readonly signature: string | undefined;
  readonly created: number | undefined;
  readonly ms: number | undefined;
  readonly code: string | undefined;
  readonly proof: Proof;
  /** Whether the intent is there; without it, size and claims are not known, and user and client only by the session. */
  readonly whole: boolean;
}

/** Entries `from` to `to` of a session are not there. */
export interface Gap {
  readonly session: string;
  readonly user: string | undefined;
  readonly at: number | undefined;
  readonly from: number;
  readonly to: number;
}

export type Found = ({ readonly kind: "signature" } & Signature) | ({ readonly kind: "gap" } & Gap);

interface SessionState {
  readonly writer: string;
  /** Who has written one entry in somebody else's name is believed in none. */
  readonly foreign: boolean;
  /** Number of the first entry that was seen. */
  readonly first: number;
  last: number;
  gaps: number;
  ended: boolean;
  user: string | undefined;
  clientKey: string | undefined;
  peer: string | undefined;
}

interface Asked {
  readonly intent: Intent;
  readonly at: number | undefined;
  readonly proof: Proof;
}

export interface SessionLimits {
  readonly sessions: number;
  readonly requests: number;
}

/** Some hundred bytes each, and a kilobyte each. Of more than these the oldest are closed. */
const defaultLimits: SessionLimits = { sessions: 20_000, requests: 20_000 };

export class Sessions {
  readonly #limits: SessionLimits;
  readonly #sessions = new Map<string, SessionState>();
  readonly #asked = new Map<string, Asked>();
  readonly #readFrom: number | undefined;
  #firstAt: number | undefined;
  #found: Found[] = [];
  /** What is worth a word at the end. */
  readonly counts = { entries: 0, foreign: 0, unproven: 0, repeated: 0, begunBefore: 0, unended: 0 };

  /** `readFrom`: nothing before this time was read. */
  constructor({ readFrom, limits = defaultLimits }: { readFrom?: number | undefined; limits?: SessionLimits } = {}) {
    this.#readFrom = readFrom;
    this.#limits = limits;
  }

  /** What is known now, in the order of verdicts. */
  add(record: JournalRecord, proof: Proof): readonly Found[] {
    const { entry, at } = record;
    this.counts.entries += 1;
    const state = this.#stateOf(record, proof);
    if (state === undefined || state.foreign || proof === "foreign") {
      this.counts.foreign += 1;
      this.#makeRoom();
      return this.#take();
    }
    this.#firstAt ??= at;
    if (entry.seq <= state.last) {
      this.counts.repeated += 1;
      return [];
    }
    if (proof === "none") this.counts.unproven += 1;
    if (entry.seq > state.last + 1) this.#gap(state, entry.session, at, state.last + 1, entry.seq - 1);
    state.last = entry.seq;
    switch (entry.event) {
      case "session-start":
        Object.assign(state, { user: entry.user, clientKey: entry.clientKey, peer: entry.peer });
        break;
      case "intent":
        state.user ??= entry.user;
        state.clientKey ??= entry.clientKey;
        this.#unfinished(entry.request);
        this.#asked.set(entry.request, { intent: entry, at, proof });
        break;
      case "verdict":
        this.#signature(state, entry, record, proof);
        break;
      case "session-end":
        this.#ended(state, entry, at);
        break;
      default:
    }
    this.#makeRoom();
    return this.#take();
  }

  /** What is left when there is nothing more to read. */
  finish(): readonly Found[] {
    for (const request of this.#asked.keys()) this.#unfinished(request);
    for (const session of this.#sessions.keys()) this.#close(session);
    return this.#take();
  }

  /** Undefined if the session is somebody else's. */
  #stateOf({ entry, origin }: JournalRecord, proof: Proof): SessionState | undefined {
    const writer = origin === undefined ? "" : `${origin.uid} ${origin.stream} ${origin.program}`;
    const known = this.#sessions.get(entry.session);
    if (known !== undefined) return known.writer === writer ? known : undefined;
    const first = { first: entry.seq, last: entry.seq - 1, gaps: 0, ended: false };
    const state = {
      writer,
      foreign: proof === "foreign",
      ...first,
      user: undefined,
      clientKey: undefined,
      peer: undefined,
    };
    this.#sessions.set(entry.session, state);
    return state;
  }

  #signature(state: SessionState, verdict: Verdict, { at }: JournalRecord, proof: Proof): void {
    const { session: _, seq: __, event: ___, ...told } = verdict;
    const asked = this.#asked.get(verdict.request);
    this.#asked.delete(verdict.request);
    const agrees = asked?.intent.digest === verdict.digest && asked.intent.key === verdict.key;
    const intent = agrees ? asked.intent : undefined;
    this.#found.push({
      kind: "signature",
      ...told,
      at: (agrees ? asked.at : undefined) ?? at ?? (told.created === undefined ? undefined : told.created * 1000),
      certificate: told.certificate ?? intent?.certificate,
      user: intent?.user ?? state.user,
      clientKey: intent === undefined ? state.clientKey : intent.clientKey,
      peer: state.peer,
      size: intent?.size,
      claimedName: intent?.claimedName,
      proof,
      whole: intent !== undefined,
    });
  }

  #unfinished(request: string): void {
    const asked = this.#asked.get(request);
    if (asked === undefined) return;
    this.#asked.delete(request);
    const { digest, key, certificate, user, clientKey, size, claimedName } = asked.intent;
    const none = { device: undefined, signature: undefined, created: undefined, ms: undefined, code: undefined };
    const peer = this.#sessions.get(sessionOf(request))?.peer;
    this.#found.push({
      kind: "signature",
      at: asked.at,
      request,
      outcome: "unfinished",
      ...{ digest, key, certificate, user, clientKey, peer, size, claimedName, ...none },
      proof: asked.proof,
      whole: true,
    });
  }

  /** A session that has begun after reading did should be here from its first entry on. */
  #ended(state: SessionState, { session, ms }: SessionEnd, at: number | undefined): void {
    state.ended = true;
    const readFrom = this.#readFrom ?? this.#firstAt;
    if (state.first === 1 || at === undefined || readFrom === undefined) return;
    if (at - ms > readFrom + clockSlackMs) this.#gap(state, session, at, 1, state.first - 1);
  }

  #gap(state: SessionState, session: string, at: number | undefined, from: number, to: number): void {
    state.gaps += 1;
    this.#found.push({ kind: "gap", session, user: state.user, at, from, to });
  }

  /** Ended sessions stay for a while: what was under way beside the end is still written. */
  #makeRoom(): void {
    for (const request of this.#asked.keys()) {
      if (this.#asked.size <= this.#limits.requests) break;
      this.#unfinished(request);
    }
    for (const session of this.#sessions.keys()) {
      if (this.#sessions.size <= this.#limits.sessions) break;
      this.#close(session);
    }
  }

  #close(session: string): void {
    const state = this.#sessions.get(session);
    if (state === undefined) return;
    this.#sessions.delete(session);
    if (state.foreign) return;
    if (!state.ended) this.counts.unended += 1;
    if (state.first > 1 && state.gaps === 0) this.counts.begunBefore += 1;
  }

  #take(): readonly Found[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }
}

/** The end is written a little after it was measured. */
const clockSlackMs = 2000;

/** A request is named after its session. */
function sessionOf(request: string): string {
  return request.slice(0, 36);
}
