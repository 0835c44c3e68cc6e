import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  emptySummary,
  encodeJournalSummary,
  type JournalSummary,
  parseJournalSummary,
  readJournalSummary,
  signingBuckets,
} from "./journal-summary.ts";

const directory = mkdtempSync(join(tmpdir(), "signstar-summary-"));
afterAll(() => rmSync(directory, { recursive: true }));

const count = fc.maxSafeNat();
const code = fc.stringMatching(/^[a-z][a-z0-9-]{0,63}$/);
const key = fc.oneof(
  fc.stringMatching(/^([A-Za-z0-9][a-z_.-]{0,9}~)?[A-Za-z0-9][a-z_.-]{0,9}$/),
  fc.constant("(others)"),
);
const tally = (name: fc.Arbitrary<string>) =>
  fc.uniqueArray(fc.tuple(name, count), { selector: ([each]) => each, maxLength: 5 }).map((pairs) => sorted(pairs));
/** JSON puts names that look like numbers first. */
function sorted<T>(pairs: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  return new Map(Object.entries(Object.fromEntries(pairs)));
}

const summaries: fc.Arbitrary<JournalSummary> = fc.record({
  at: count,
  cursor: fc.option(fc.stringMatching(/^s=[0-9a-f]{4};i=[0-9a-f]{1,3}$/), { nil: undefined }),
  cursorsLost: count,
  entries: fc.record({ counted: count, foreign: count, malformed: count }),
  keys: fc
    .array(
      fc.tuple(
        key,
        fc.record({
          requested: count,
          signed: count,
          failed: count,
          lastSuccess: fc.option(count, { nil: undefined }),
        }),
      ),
      { maxLength: 5 },
    )
    .map(sorted),
  failures: tally(code),
  refusals: tally(code),
  sessions: fc
    .array(fc.tuple(fc.stringMatching(/^signstar-[a-z-]{1,20}$/), tally(fc.nat({ max: 255 }).map(String))), {
      maxLength: 4,
    })
    .map(sorted),
  signing: fc.record({
    counts: fc.array(count, { minLength: signingBuckets.length + 1, maxLength: signingBuckets.length + 1 }),
    sumMs: count,
  }),
});

describe("a summary of the journal", () => {
  test("is read as it was written, and written as it was read", () => {
    fc.assert(
      fc.property(summaries, (summary) => {
        const bytes = encodeJournalSummary(summary);
        const read = parseJournalSummary(bytes, "x");
        expect(read).toEqual(summary);
        expect(encodeJournalSummary(read)).toEqual(bytes);
      }),
    );
  });

  test("is nothing else", () => {
    const good = JSON.parse(Buffer.from(encodeJournalSummary(emptySummary)).toString()) as Record<string, unknown>;
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`code-${i}`, 1]));
    for (const change of [
      { version: 2 },
      { extra: 1 },
      { at: -1 },
      { at: 1.5 },
      { cursor: "a b" },
      { cursor: "x".repeat(600) },
      { entries: {} },
      { keys: { 'a"} 1': { requested: 0, signed: 0, failed: 0, lastSuccess: null } } },
      { keys: { key1: { requested: 0, signed: 0, failed: 0 } } },
      { refusals: { "a\nb": 1 } },
      { refusals: { usage: "1" } },
      { refusals: many },
      { sessions: { bash: { 0: 1 } } },
      { sessions: { "signstar-upload-backup": { "-1": 1 } } },
      { signing: { counts: [1, 2], sumMs: 0 } },
      { signing: { counts: "x", sumMs: 0 } },
    ]) {
      const bytes = toUtf8(JSON.stringify({ ...good, ...change }));
      expect(() => parseJournalSummary(bytes, "x"), JSON.stringify(change)).toThrow(/^x cannot be used: /);
    }
    for (const text of ["", "null", "[]", "{", "\u00ff"]) {
      expect(() => parseJournalSummary(toUtf8(text), "x")).toThrow(/^x cannot be used: /);
    }
  });

  test("may be missing, but not be somebody else's, a link, or for others to write", () => {
    const path = join(directory, "metrics", "journal.json");
    expect(readJournalSummary(path, [])).toBeUndefined();
    mkdirSync(join(directory, "metrics"));
    expect(readJournalSummary(path, [])).toBeUndefined();
    writeFileSync(path, encodeJournalSummary(emptySummary), { mode: 0o644 });
    // Whoever has the directory may write the file.
    expect(readJournalSummary(path, [])).toEqual(emptySummary);
    chmodSync(path, 0o666);
    expect(() => readJournalSummary(path, [])).toThrow(/can be written by others/);
    rmSync(path);
    symlinkSync("/etc/passwd", path);
    expect(() => readJournalSummary(path, [])).toThrow(/symbolic link/);
    rmSync(path);
    writeFileSync(path, new Uint8Array(1024 * 1024 + 1));
    expect(() => readJournalSummary(path, [])).toThrow(/longer than/);
  });
});
