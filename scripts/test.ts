/**
 * `npm test [-- VITEST ARGUMENT…]`: installs the Debian packages that the tests call (as root on Debian), checks,
 * builds, and runs every test. The last line is `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAll } from "./build.ts";
import { repository } from "./bundle.ts";
import { installTools, tools } from "./debian.ts";
import { runGates } from "./gates.ts";

/** What of vitest's JSON report we read. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

/** Test files say `// needs: TOOL…` in their first lines; without the tool they can only be left out as a whole. */
function testFilesThatNeed(missing: readonly string[]): { file: string; needs: string[] }[] {
  return globSync(["packages/*/src/**/*.test.ts", "test/**/*.test.ts"], { cwd: repository })
    .map((file) => {
      const line = /^\/\/ needs: (.+)$/m.exec(readFileSync(join(repository, file), "utf8"))?.[1] ?? "";
      return { file, needs: line.split(/[\s,]+/).filter((tool) => missing.includes(tool)) };
    })
    .filter(({ needs }) => needs.length > 0);
}

function runVitest(args: readonly string[], exclude: readonly string[]): { report: Report; status: number } {
  const directory = mkdtempSync(join(tmpdir(), "signstar-test-"));
  const outputFile = join(directory, "report.json");
  const { status } = spawnSync(
    process.execPath,
    [
      join(repository, "node_modules", "vitest", "vitest.mjs"),
      "run",
      ...["--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`],
      ...exclude.flatMap((file) => ["--exclude", file]),
      ...args,
    ],
    {
      cwd: repository,
      stdio: ["ignore", 2, 2],
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    },
  );
  const report = JSON.parse(readFileSync(outputFile, "utf8")) as Report;
  rmSync(directory, { recursive: true, force: true });
  return { report, status: status ?? 1 };
}

const missing = installTools();
const skipMissing = process.env["SIGNSTAR_TEST_SKIP_MISSING"] === "1";
if (missing.length > 0 && !skipMissing) {
  for (const tool of missing) console.error(`test: error: ${tool} is missing (Debian package ${tools[tool]})`);
  console.error("test: hint: install it, or set SIGNSTAR_TEST_SKIP_MISSING=1 to leave out what needs it");
  console.log("0 passed, 1 failed");
  process.exit(1);
}
// Some tests make real users in an overlay of this system; the others say the same of the own user.
const left = testFilesThatNeed(process.geteuid?.() === 0 ? missing : [...missing, "root"]);
for (const { file, needs } of left) console.error(`test: skipped: ${file}: ${needs.join(", ")} is missing`);

const gates = runGates(missing);
await buildAll();
const { report, status } = runVitest(
  process.argv.slice(2),
  left.map(({ file }) => file),
);
const passed = report.numPassedTests + gates.passed.length;
// A file that does not even load counts as no test of its own.
const broken = report.numFailedTests === 0 && status !== 0 ? Math.max(1, report.numFailedTestSuites) : 0;
const failed = report.numFailedTests + gates.failed.length + broken;
const skipped = report.numPendingTests + left.length;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed === 0 && status === 0 && passed > 0 ? 0 : 1;
