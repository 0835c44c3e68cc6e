/** `npm run bench [-- --json] [--runs N]`: our programs as ratios to a named reference, measured in turn in one run. */
import { mkdtempSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { format, type Row } from "./bench/measure.ts";
import { hashFile, startRequestSignature } from "./bench/processes.ts";
import { requests } from "./bench/requests.ts";
import { buildIfStale } from "./build.ts";

const { values } = parseArgs({ options: { json: { type: "boolean" }, runs: { type: "string", default: "9" } } });
const n = Math.max(3, Number.parseInt(values.runs, 10) || 9);

await buildIfStale();
// Not below /tmp, which may be memory: a GiB is written here.
const directory = mkdtempSync("/var/tmp/signstar-bench-");
try {
  const rows: Row[] = [];
  for (const measure of [startRequestSignature, hashFile, requests]) {
    const measured = [await measure(directory, n)].flat();
    if (!values.json) for (const row of measured) console.log(format(row));
    rows.push(...measured);
  }
  if (values.json) console.log(JSON.stringify(rows, null, 1));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
