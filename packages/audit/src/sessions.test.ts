import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readLine } from "./line.ts";
import { type Found, type SessionLimits, Sessions } from "./sessions.ts";
import { began, clientKey, type Fields, names, sha512, signing, Told } from "./story.test-helper.ts";
import { proofOf } from "./trust.ts";

interface Options {
  readonly readFrom?: number;
  readonly limits?: SessionLimits;
}

function through(lines: readonly string[], options: Options = {}) {
  const sessions = new Sessions(options);
  const found: Found[] = [];
  for (const text of lines) {
    const line = readLine(toUtf8(text));
    if (line.kind === "record") found.push(...sessions.add(line.record, proofOf(line.record, names)));
  }
  found.push(...sessions.finish());
  const signatures = found.flatMap((each) => (each.kind === "signature" ? [each] : []));
  const gaps = found.flatMap((each) => (each.kind === "gap" ? [[each.from, each.to]] : []));
  return { found, signatures, gaps, counts: sessions.counts };
}

const without = (lines: readonly string[], ...numbers: readonly number[]) =>
  lines.filter((_, i) => !numbers.includes(i + 1));

describe("sessions", () => {
  test("put intent and verdict together", () => {
    const { signatures, gaps, counts } = through(signing(1, "file").journal());
    expect(signatures).toEqual([
      {
        kind: "signature",
        at: began + 1000,
        request: signing(1, "").session,
        outcome: "signed",
        digest: sha512("file"),
        key: "key1",
        certificate: "a".repeat(40),
        user: "build",
        clientKey,
        peer: "192.0.2.7",
        size: "4",
        claimedName: "file.tar",
        device: "https://192.0.2.1/api/v1",
        signature: "b".repeat(64),
        created: began / 1000,
        ms: 40,
        code: undefined,
        proof: "kernel",
        whole: true,
      },
    ]);
    expect([gaps, counts]).toMatchObject([[], { entries: 4, foreign: 0, unproven: 0, unended: 0 }]);
  });

  test("are told apart, and so are the requests of a batch, in whatever order they end", () => {
    const batch = new Told(1).start();
    for (const i of [1, 2, 3]) batch.intent(`file${i}`, `${batch.session}#${i}`);
    const failed = { outcome: "failed", code: "device-refused" };
    batch.verdict("file3", `${batch.session}#3`).verdict("file1", `${batch.session}#1`, failed).end();
    const one = signing(2, "one", { uid: 3001, user: "release" }).journal();
    const lines = batch.journal().flatMap((line, i) => [line, ...one.slice(i, i + 1)]);
    const { signatures, gaps } = through(lines);
    expect(signatures.map(({ outcome, claimedName, user, code }) => [outcome, claimedName, user, code])).toEqual([
      ["signed", "one.tar", "release", undefined],
      ["signed", "file3.tar", "build", undefined],
      ["failed", "file1.tar", "build", "device-refused"],
      ["unfinished", "file2.tar", "build", undefined],
    ]);
    expect(gaps).toEqual([]);
  });

  test("show each entry that is missing in them", () => {
    const lines = signing(1, "file").journal();
    expect(through(without(lines, 2)).gaps).toEqual([[2, 2]]);
    expect(through(without(lines, 2)).signatures).toMatchObject([{ outcome: "signed", whole: false, user: "build" }]);
    expect(through(without(lines, 2, 3)).gaps).toEqual([[2, 3]]);
    expect(through(without(lines, 3))).toMatchObject({ gaps: [[3, 3]], signatures: [{ outcome: "unfinished" }] });
    expect(through(without(lines, 4))).toMatchObject({ gaps: [], counts: { unended: 1 } });
  });

  test("that have begun before what was read lack nothing, those that have begun later do", () => {
    const headless = without(signing(1, "file").journal(), 1);
    // The end was 3 s after `began`, and the program ran for 0.1 s.
    expect(through(headless, { readFrom: began })).toMatchObject({ gaps: [[1, 1]], counts: { begunBefore: 0 } });
    expect(through(headless, { readFrom: began + 2500 })).toMatchObject({ gaps: [], counts: { begunBefore: 1 } });
    // Without a bound, the first entry of all is one.
    expect(through([...signing(2, "x", { at: began - 9000 }).journal(), ...headless]).gaps).toEqual([[1, 1]]);
    expect(through(headless).gaps).toEqual([]);
  });

  test("belong to one writer, and take nothing from another", () => {
    const story = signing(1, "file");
    const [start = "", intent = "", verdict = "", end = ""] = story.journal();
    const forged = (more: Fields) => new Told(1).start().intent("file").verdict("evil").journal(more)[2] ?? "";
    for (const more of [{ _STREAM_ID: "another" }, { _UID: "3001" }, { _BOOT_ID: "c" }, { _TRANSPORT: "syslog" }]) {
      const { signatures, gaps, counts } = through([start, intent, forged(more), verdict, end]);
      expect(signatures).toMatchObject([{ outcome: "signed", digest: sha512("file"), whole: true }]);
      expect([gaps, counts.foreign]).toEqual([[], 1]);
    }
  });

  test("have a verdict that is not of its intent shown by itself", () => {
    const story = new Told(1).start().intent("file").verdict("other").end();
    expect(through(story.journal()).signatures).toMatchObject([
      { digest: sha512("other"), whole: false, claimedName: undefined, clientKey },
    ]);
  });

  test("that are read twice are shown once", () => {
    const lines = signing(1, "file").journal();
    const { signatures, gaps, counts } = through([...lines, ...lines]);
    expect([signatures.length, gaps, counts.repeated]).toEqual([1, [], 4]);
  });

  test("are kept up to a limit, and requests too; none is lost for it", () => {
    const told = Array.from({ length: 30 }, (_, i) => new Told(i + 1).start().intent(`file${i}`).journal());
    const { signatures, counts } = through(told.flat(), { limits: { sessions: 5, requests: 3 } });
    expect(signatures.map(({ outcome, claimedName }) => [outcome, claimedName])).toEqual(
      told.map((_, i) => ["unfinished", `file${i}.tar`]),
    );
    expect(counts.unended).toBe(30);
  });

  test("that lack any of their entries show it, however they are mixed", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 2, max: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 5 }), fc.infiniteStream(fc.nat()), (missing, choose) => {
        const queues = missing.map((gone, i) => {
          const story = new Told(i + 1).start().intent("a").verdict("a").add("refusal", { code: "x" }).add("new");
          return [...without(story.end().journal(), ...gone)];
        });
        const lines: string[] = [];
        for (let left = queues; left.length > 0; left = left.filter((queue) => queue.length > 0)) {
          const line = left[(choose.next().value ?? 0) % left.length]?.shift();
          if (line !== undefined) lines.push(line);
        }
        const lost = through(lines).gaps.reduce((sum, [from = 0, to = 0]) => sum + to - from + 1, 0);
        expect(lost).toBe(missing.flat().length);
      }),
    );
  });
});
