/**
 * `journal.json`: what the journal tells of signatures, added up for monitoring. signstar-audit writes it every minute,
 * signstar-download-metrics shows it. It names keys, codes and programs; no client, no file, no secret.
 */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";
import { count, entriesOf, list, members, text } from "./json-shape.ts";
import { readSafeFile } from "./safe-file.ts";

export interface JournalSummary {
  /** When it was made; milliseconds since 1970, as everywhere here. */
  readonly at: number;
  /** Up to where the journal has been read; undefined if there was nothing yet. */
  readonly cursor: string | undefined;
  /** How often that place was gone, so that entries were never counted. */
  readonly cursorsLost: number;
  /** Entries that were counted, and those that were not because of who wrote them or because they are none. */
  readonly entries: { readonly counted: number; readonly foreign: number; readonly malformed: number };
  /** By name, `[NAMESPACE~]KEY`. */
  readonly keys: ReadonlyMap<string, KeyTally>;
  /** Verdicts that are no signature, by code. */
  readonly failures: Tally;
  readonly refusals: Tally;
  /** By program, then by exit code. */
  readonly sessions: ReadonlyMap<string, Tally>;
  readonly signing: Durations;
}

export type Tally = ReadonlyMap<string, number>;

export interface KeyTally {
  /** How many signatures a device was to be asked for. */
  readonly requested: number;
  readonly signed: number;
  readonly failed: number;
  readonly lastSuccess: number | undefined;
}

/** How long signatures took, from intent to verdict. */
export interface Durations {
  /** How many were in each of `signingBuckets`; the last one is for those beyond. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

/** Upper bounds in seconds. */
export const signingBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** What does not fit any more is counted under this name, which is no name of anything. */
export const others = "(others)";

/** So that nothing that is written into the journal makes monitoring drown in names. */
export const summaryLimits = { keys: 1000, codes: 200, programs: 32, exits: 32 } as const;

export const emptySummary: JournalSummary = {
  at: 0,
  cursor: undefined,
  cursorsLost: 0,
  entries: { counted: 0, foreign: 0, malformed: 0 },
  keys: new Map(),
  failures: new Map(),
  refusals: new Map(),
  sessions: new Map(),
  signing: { counts: new Array<number>(signingBuckets.length + 1).fill(0), sumMs: 0 },
};

/** As many keys as there may be, with the longest names. */
const maxBytes = 1024 * 1024;

/**
 * The summary in the file at `path`, which one of `owners` or the owner of its directory has written; undefined if it is
 * missing. Throws HostError (summary-unusable).
 */
export function readJournalSummary(path: string, owners: readonly number[]): JournalSummary | undefined {
  let bytes: Uint8Array;
  try {
    const directory = statSync(dirname(path), { throwIfNoEntry: false });
    if (directory === undefined) return undefined;
    bytes = readSafeFile(path, { maxBytes, owners: [...owners, directory.uid], mode: "readable" });
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "file-missing") return undefined;
    throw unusable(path, thrown);
  }
  return parseJournalSummary(bytes, path);
}

/** Throws HostError (summary-unusable). */
export function parseJournalSummary(bytes: Uint8Array, path: string): JournalSummary {
  try {
    return summaryIn(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw unusable(path, cause);
  }
}

export function encodeJournalSummary(summary: JournalSummary): Uint8Array {
  const document = {
    version: 1,
    ...summary,
    cursor: summary.cursor ?? null,
    keys: Object.fromEntries(
      [...summary.keys].map(([key, tally]) => [key, { ...tally, lastSuccess: tally.lastSuccess ?? null }]),
    ),
    failures: Object.fromEntries(summary.failures),
    refusals: Object.fromEntries(summary.refusals),
    sessions: Object.fromEntries([...summary.sessions].map(([name, exits]) => [name, Object.fromEntries(exits)])),
  };
  return toUtf8(`${JSON.stringify(document)}\n`);
}

const topMembers = [
  ...["version", "at", "cursor", "cursorsLost", "entries", "keys", "failures", "refusals", "sessions", "signing"],
];
const part = "[A-Za-z0-9][A-Za-z0-9_.-]{0,127}";
const keyForm = new RegExp(`^(?:(?:${part}~)?${part}|\\(others\\))$`);
const codeForm = /^(?:[a-z][a-z0-9-]{0,63}|\(others\))$/;
const programForm = /^(?:signstar-[a-z-]{1,40}|\(others\))$/;
const exitForm = /^(?:0|[1-9][0-9]{0,2}|\(others\))$/;
/** sd-journal's own form: `s=…;i=…;b=…` and so on. */
const cursorForm = /^[a-z0-9=;-]{1,512}$/;

function summaryIn(value: unknown): JournalSummary {
  const found = members(value, topMembers);
  if (found["version"] !== 1) throw new TypeError("version is not 1");
  const entries = members(found["entries"], ["counted", "foreign", "malformed"]);
  const { sessions, keys, cursor } = found;
  return {
    at: number(found["at"]),
    cursor: cursor === null ? undefined : text(cursor, cursorForm),
    cursorsLost: number(found["cursorsLost"]),
    entries: {
      counted: number(entries["counted"]),
      foreign: number(entries["foreign"]),
      malformed: number(entries["malformed"]),
    },
    keys: new Map(entriesOf(keys, keyForm, summaryLimits.keys).map(([key, each]) => [key, keyTallyIn(each)])),
    failures: tallyIn(found["failures"], codeForm, summaryLimits.codes),
    refusals: tallyIn(found["refusals"], codeForm, summaryLimits.codes),
    sessions: new Map(
      entriesOf(sessions, programForm, summaryLimits.programs).map(([program, exits]) => [
        program,
        tallyIn(exits, exitForm, summaryLimits.exits),
      ]),
    ),
    signing: durationsIn(found["signing"]),
  };
}

function keyTallyIn(value: unknown): KeyTally {
  const { requested, signed, failed, lastSuccess } = members(value, ["requested", "signed", "failed", "lastSuccess"]);
  return {
    requested: number(requested),
    signed: number(signed),
    failed: number(failed),
    lastSuccess: lastSuccess === null ? undefined : number(lastSuccess),
  };
}

function tallyIn(value: unknown, form: RegExp, max: number): Tally {
  return new Map(entriesOf(value, form, max).map(([name, each]) => [name, number(each)]));
}

function durationsIn(value: unknown): Durations {
  const { counts, sumMs } = members(value, ["counts", "sumMs"]);
  const found = list(counts).map(number);
  if (found.length !== signingBuckets.length + 1) throw new TypeError("it has other buckets");
  return { counts: found, sumMs: number(sumMs) };
}

function number(value: unknown): number {
  return count(value, Number.MAX_SAFE_INTEGER);
}

function unusable(path: string, cause: unknown): HostError {
  return new HostError("summary-unusable", `${path} cannot be used: ${messageOf(cause)}`, {
    cause,
    hint: "remove the file: signstar-journal-metrics.service counts the journal anew",
  });
}
