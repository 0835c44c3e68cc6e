/** What this appliance has done, as far as the journal was added up. */
import { type JournalSummary, signingBuckets } from "@signstar/host/journal-summary";
import type { Exposition, Metric } from "./exposition.ts";

const counter = (name: string, help: string): Metric => ({ name: `signstar_${name}_total`, type: "counter", help });
const gauge = (name: string, help: string): Metric => ({ name: `signstar_${name}`, type: "gauge", help });
const seconds = (name: string, help: string): Metric => ({ ...gauge(`${name}_seconds`, help), unit: "seconds" });

const metrics = {
  up: gauge("journal_up", "Whether what the journal tells is known."),
  at: seconds("journal_timestamp", "When the journal was added up, Unix time."),
  cursorsLost: counter("journal_cursors_lost", "How often entries left the journal before they were counted."),
  entries: counter("journal_entries", "Entries of the journal: counted, written by somebody else, or malformed."),
  requested: counter("signature_requests", "Signatures that a device was to be asked for, by key."),
  signatures: counter("signatures", "Verdicts on signatures, by key and outcome."),
  lastSuccess: seconds("last_success_timestamp", "When a key has signed last, Unix time."),
  failures: counter("signature_failures", "Signatures that failed, by code."),
  refusals: counter("refusals", "Requests of any kind that were refused, by code."),
  sessions: counter("sessions", "Sessions that have ended, by program and exit code."),
  duration: {
    name: "signstar_signing_duration_seconds",
    type: "histogram",
    help: "Time from the intent to the signature: choice of a device, connection, HSM, verification.",
    unit: "seconds",
  },
} as const satisfies Record<string, Metric>;

/** Adds what the journal tells; of one that is not known, only that. */
export function addJournalMetrics(into: Exposition, summary: JournalSummary | undefined): void {
  into.add(metrics.up, {}, summary === undefined ? 0 : 1);
  if (summary === undefined) return;
  into.add(metrics.at, {}, summary.at / 1000);
  into.add(metrics.cursorsLost, {}, summary.cursorsLost);
  for (const [fate, count] of Object.entries(summary.entries)) into.add(metrics.entries, { fate }, count);
  for (const [key, { requested, signed, failed, lastSuccess }] of summary.keys) {
    into.add(metrics.requested, { key }, requested);
    into.add(metrics.signatures, { key, outcome: "signed" }, signed);
    into.add(metrics.signatures, { key, outcome: "failed" }, failed);
    if (lastSuccess !== undefined) into.add(metrics.lastSuccess, { key }, lastSuccess / 1000);
  }
  for (const [code, count] of summary.failures) into.add(metrics.failures, { code }, count);
  for (const [code, count] of summary.refusals) into.add(metrics.refusals, { code }, count);
  for (const [program, exits] of summary.sessions) {
    for (const [exit, count] of exits) into.add(metrics.sessions, { program, exit }, count);
  }
  const { counts, sumMs } = summary.signing;
  into.addHistogram(metrics.duration, {}, { bounds: signingBuckets, counts, sum: sumMs / 1000 });
}
