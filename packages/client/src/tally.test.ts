import { expect, test } from "vitest";
import { ClientError } from "./errors.ts";
import { Tally } from "./tally.ts";

const failure = (code: ClientError["code"]) => new ClientError(code, "no", { hint: "do this" });

test("without a failure there is nothing to say", () => {
  const notes: string[] = [];
  new Tally(2, (line) => notes.push(line)).finish();
  expect(notes).toEqual([]);
});

test("each failure is told at once, and named at the end", () => {
  const notes: string[] = [];
  const tally = new Tally(5, (line) => notes.push(line));
  tally.fail("a", failure("no-answer"));
  tally.stop(failure("connection-failed"), ["b", "c"], ["d"]);
  expect(notes).toEqual(["a: no", "hint: do this", "no", "hint: do this"]);
  const summary = { exit: 75, message: "4 of 5 files not signed: a, b, c; not tried: d" };
  expect(() => tally.finish()).toThrow(expect.objectContaining(summary));
});

test("of many names a few are spelled out", () => {
  const tally = new Tally(2000, () => undefined);
  const names = Array.from({ length: 2000 }, (_, i) => `f${i}`);
  tally.stop(failure("not-this-file"), names.slice(0, 1), names.slice(1));
  expect(() => tally.finish()).toThrow(/^2000 of 2000 files not signed: f0; not tried: f1, .* f20 and 1979 more$/);
  expect(() => tally.finish()).toThrow(expect.objectContaining({ exit: 76 }));
});
