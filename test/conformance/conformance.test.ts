/** The case sets of this directory against the software NetHSM, as the newest release and as old ones. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const here = import.meta.dirname;
const run = promisify(execFile);
const work = mkdtempSync(join(tmpdir(), "conformance-"));
const device = join(work, "device.mjs");

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly results: readonly { readonly id: number; readonly status: string; readonly reason?: string }[];
}

/** One set of both files, so that their cases share devices; and a bundle, for there are many to start. */
beforeAll(async () => {
  const sets = ["cases.json", "more-cases.json"].map(
    (name) => JSON.parse(readFileSync(join(here, name), "utf8")) as { readonly cases: readonly unknown[] },
  );
  writeFileSync(join(work, "cases.json"), JSON.stringify({ ...sets[0], cases: sets.flatMap(({ cases }) => cases) }));
  for (const name of ["fixtures.json", "files"]) symlinkSync(join(here, name), join(work, name));
  await build({
    entryPoints: [join(here, "device.ts")],
    outfile: device,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What a release does not have is skipped by the runner, hence the different numbers. */
test.each([
  { release: "5.0", cases: 280 },
  { release: "3.0", cases: 266 },
  { release: "2.2", cases: 259 },
])("all cases of release $release", { timeout: 300_000 }, async ({ release, cases }) => {
  const runner = [join(here, "run.mjs"), "--cases", join(work, "cases.json"), "--release", release, "--json"];
  const command = [process.execPath, device, "--memory", "--listen", "127.0.0.1:0", "--release", release];
  const { stdout } = await run(process.execPath, [...runner, "--jobs", "3", "--", ...command], {
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
