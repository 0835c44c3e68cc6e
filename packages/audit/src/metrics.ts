import { statSync } from "node:fs";
import { dirname } from "node:path";
import { usageError } from "@signstar/command/errors";
import type { Io } from "@signstar/command/io";
import type { Command, Invocation } from "@signstar/command/spec";
import { writeFileAtomic } from "@signstar/host/atomic-file";
import { effectiveUid } from "@signstar/host/caller";
import { HostError } from "@signstar/host/errors";
import {
  emptySummary,
  encodeJournalSummary,
  type JournalSummary,
  readJournalSummary,
} from "@signstar/host/journal-summary";
import { AuditError } from "./errors.ts";
import { journalLines } from "./journalctl.ts";
import { type Line, type Origin, readLine } from "./line.ts";
import { Count } from "./tally.ts";
import { loadNames, type Names, proofOf, writerOf } from "./trust.ts";

export const metrics: Command = {
  name: "metrics",
  summary: "add up what the journal tells, for signstar-download-metrics",
  description: `Reads on where it stopped the last time. That place stands in the summary, so that numbers and
place are always those of the same moment. Only what the kernel vouches for is counted.`,
  options: [{ name: "output", value: "FILE", description: "the summary; what it holds is added to" }],
  run,
};

async function run({ options, io }: Invocation): Promise<void> {
  const output = options.text("output");
  if (output === undefined) throw usageError("--output is missing");
  requireOwnDirectory(output);
  const names = await loadNames(options.text("root") ?? "/", options.text("uids"));
  const before = summaryAt(output, io);
  const count = new Count(before);
  let first = true;
  for await (const bytes of journalLines({ cursor: before.cursor, directory: options.text("journal") })) {
    const line = readLine(bytes);
    const cursor = originOf(line)?.cursor;
    // The entry of the cursor has been counted; if another comes in its place, it has left the journal, and with it
    // perhaps some that came after it.
    const counted = first && before.cursor !== undefined && cursor === before.cursor;
    if (first && before.cursor !== undefined && !counted) noteLost(count, io);
    if (!counted) add(count, line, names);
    count.passed(cursor);
    first = false;
  }
  writeFileAtomic(output, encodeJournalSummary(count.summary(Date.now())), { mode: 0o644 });
}

/** Root makes nothing in a directory of another user. Throws AuditError (not-own, 77). */
function requireOwnDirectory(output: string): void {
  const directory = dirname(output);
  const owner = statSync(directory, { throwIfNoEntry: false })?.uid;
  if (effectiveUid() !== 0 || owner === undefined || owner === 0) return;
  throw new AuditError("not-own", `${directory} belongs to uid ${owner}`, {
    hint: "let that user do it: systemctl start signstar-journal-metrics.service",
  });
}

/** One that cannot be used is no reason to know nothing: the journal still has what it has. */
function summaryAt(output: string, io: Io): JournalSummary {
  try {
    return readJournalSummary(output, [0, effectiveUid()]) ?? emptySummary;
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    io.note(`${thrown.message}: the journal is counted anew`);
    return emptySummary;
  }
}

function noteLost(count: Count, io: Io): void {
  count.lost();
  io.note("the entry that was counted last has left the journal: there may be some that never were counted");
}

function add(count: Count, line: Line, names: Names): void {
  const origin = originOf(line);
  if (origin === undefined || writerOf(origin, names).proof !== "kernel") count.foreign();
  else if (line.kind === "malformed") count.malformed();
  else if (line.kind === "record") {
    if (proofOf(line.record, names) === "kernel") count.add(line.record);
    else count.foreign();
  }
}

function originOf(line: Line): Origin | undefined {
  if (line.kind === "other") return undefined;
  return line.kind === "record" ? line.record.origin : line.origin;
}
