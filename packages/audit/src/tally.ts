import { type JournalSummary, others, signingBuckets, summaryLimits } from "@signstar/host/journal-summary";
import type { Verdict } from "./entry.ts";
import type { JournalRecord } from "./line.ts";

/** Adds entries to a summary. Everything in it is bounded: what would be one name too many is counted as `(others)`. */
export class Count {
  readonly #entries: { counted: number; foreign: number; malformed: number };
  readonly #keys: Map<string, { requested: number; signed: number; failed: number; lastSuccess: number | undefined }>;
  readonly #failures: Map<string, number>;
  readonly #refusals: Map<string, number>;
  readonly #sessions: Map<string, Map<string, number>>;
  readonly #counts: number[];
  #sumMs: number;
  #cursor: string | undefined;
  #cursorsLost: number;

  constructor(before: JournalSummary) {
    this.#entries = { ...before.entries };
    this.#keys = new Map([...before.keys].map(([key, tally]) => [key, { ...tally }]));
    this.#failures = new Map(before.failures);
    this.#refusals = new Map(before.refusals);
    this.#sessions = new Map([...before.sessions].map(([program, exits]) => [program, new Map(exits)]));
    this.#counts = [...before.signing.counts];
    this.#sumMs = before.signing.sumMs;
    this.#cursor = before.cursor;
    this.#cursorsLost = before.cursorsLost;
  }

  summary(at: number): JournalSummary {
    return {
      at,
      cursor: this.#cursor,
      cursorsLost: this.#cursorsLost,
      entries: this.#entries,
      keys: this.#keys,
      failures: this.#failures,
      refusals: this.#refusals,
      sessions: this.#sessions,
      signing: { counts: this.#counts, sumMs: this.#sumMs },
    };
  }

  lost(): void {
    this.#cursorsLost += 1;
  }

  /** Up to here everything has been seen. */
  passed(cursor: string | undefined): void {
    this.#cursor = cursor ?? this.#cursor;
  }

  foreign(): void {
    this.#entries.foreign += 1;
  }

  malformed(): void {
    this.#entries.malformed += 1;
  }

  add({ entry, at, origin }: JournalRecord): void {
    this.#entries.counted += 1;
    switch (entry.event) {
      case "intent":
        this.#key(entry.key).requested += 1;
        break;
      case "verdict":
        this.#verdict(entry, at);
        break;
      case "refusal":
        bump(this.#refusals, entry.code, summaryLimits.codes);
        break;
      case "session-end": {
        const program = origin?.program ?? others;
        const exits = this.#sessions.get(program) ?? new Map<string, number>();
        this.#sessions.set(program, exits);
        bump(exits, String(entry.exit), summaryLimits.exits);
        break;
      }
      default:
    }
  }

  #verdict({ key, outcome, ms, code }: Verdict, at: number | undefined): void {
    const tally = this.#key(key);
    tally[outcome] += 1;
    if (outcome === "failed") {
      bump(this.#failures, code ?? others, summaryLimits.codes);
      return;
    }
    tally.lastSuccess = Math.max(tally.lastSuccess ?? 0, at ?? 0) || undefined;
    const bucket = signingBuckets.findIndex((bound) => ms <= bound * 1000);
    const i = bucket === -1 ? signingBuckets.length : bucket;
    this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    this.#sumMs += ms;
  }

  #key(name: string) {
    const key = nameIn(this.#keys, name, summaryLimits.keys);
    const tally = this.#keys.get(key) ?? { requested: 0, signed: 0, failed: 0, lastSuccess: undefined };
    this.#keys.set(key, tally);
    return tally;
  }
}

function bump(tally: Map<string, number>, name: string, max: number): void {
  const key = nameIn(tally, name, max);
  tally.set(key, (tally.get(key) ?? 0) + 1);
}

/** One place is kept for the others. */
function nameIn(tally: ReadonlyMap<string, unknown>, name: string, max: number): string {
  return tally.has(name) || tally.size < max - 1 ? name : others;
}
