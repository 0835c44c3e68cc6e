import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Progress, progressLine } from "./progress.ts";

const MiB = 2 ** 20;

describe("the line", () => {
  test("says how much is done, how fast, how long still, and of how many files", () => {
    const view = { file: "a.iso", number: 1, files: 3, done: 512 * MiB, total: 1024 * MiB, milliseconds: 1000 };
    expect(progressLine(view)).toBe("a.iso [##########----------] 50 %, 512 MiB/s, 0:01 left, file 1 of 3");
  });

  test("leaves out what is not known", () => {
    const view = { file: "-", number: 1, files: 1, done: 1536, total: undefined, milliseconds: 1 };
    expect(progressLine(view)).toBe("- 1.5 KiB");
    expect(progressLine({ ...view, milliseconds: 1000 })).toBe("- 1.5 KiB, 1.5 KiB/s");
  });

  test("shows hours", () => {
    const view = { file: "a", number: 1, files: 1, done: 1, total: 3662, milliseconds: 1000 };
    expect(progressLine(view)).toContain("1:01:01 left");
  });

  test("keeps the end of a long name", () => {
    const view = { file: `${"x".repeat(50)}.tar.zst`, number: 1, files: 1, done: 0, total: 1, milliseconds: 0 };
    expect(progressLine(view)).toMatch(/^…x{21}\.tar\.zst \[-{20}\] 0 %$/);
  });

  test("is finite whatever the numbers", () => {
    const size = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(size, fc.option(size, { nil: undefined }), fc.nat(), (done, total, milliseconds) => {
        const line = progressLine({ file: "f", number: 1, files: 1, done, total, milliseconds });
        expect(line).not.toMatch(/NaN|Infinity|undefined|-\d/);
      }),
    );
  });
});

test("counts over all files, at most ten times a second, and without the time between them", () => {
  const lines: string[] = [];
  let now = 0;
  const progress = new Progress(
    [100, 300],
    (line) => lines.push(line),
    () => now,
  );
  progress.begin("a");
  now = 1000;
  progress.hashed(50);
  now = 1050;
  progress.hashed(75);
  now = 2000;
  progress.hashed(100);
  progress.pause();
  now = 60_000;
  progress.begin("b");
  now = 61_000;
  progress.hashed(100);
  expect(lines).toEqual([
    "a [##------------------] 12 %, 50 B/s, 0:07 left, file 1 of 2",
    "a [#####---------------] 25 %, 50 B/s, 0:06 left, file 1 of 2",
    "",
    "b [##########----------] 50 %, 66 B/s, 0:03 left, file 2 of 2",
  ]);
});
