/** The case set of this directory against the software NetHSM, as the newest release and as an old one. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const here = import.meta.dirname;
const run = promisify(execFile);

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly results: readonly { readonly id: number; readonly status: string; readonly reason?: string }[];
}

/** What a release does not have is skipped by the runner, hence the different numbers. */
test.each([
  { release: "5.0", cases: 139 },
  { release: "3.0", cases: 134 },
  { release: "2.2", cases: 130 },
])("all cases of release $release", { timeout: 300_000 }, async ({ release, cases }) => {
  const device = [
    process.execPath,
    join(here, "device.ts"),
    "--memory",
    "--listen",
    "127.0.0.1:0",
    "--release",
    release,
  ];
  const runner = [
    join(here, "run.mjs"),
    "--cases",
    join(here, "cases.json"),
    "--release",
    release,
    "--json",
    "--jobs",
    "2",
  ];
  const { stdout } = await run(process.execPath, [...runner, "--", ...device], {
    maxBuffer: 2 ** 26,
    env: { PATH: process.env["PATH"] },
  }).catch((error: unknown) => {
    // Status 1 says that cases failed: they are listed below.
    if (error instanceof Error && "stdout" in error && error.stdout !== "") return { stdout: String(error.stdout) };
    throw error;
  });
  const outcome = JSON.parse(stdout) as Outcome;
  expect(outcome.results.filter(({ status }) => status === "fail")).toEqual([]);
  expect(outcome.passed).toBe(cases);
});
