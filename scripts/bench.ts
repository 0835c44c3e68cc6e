/**
 * `npm run bench [-- --json] [--runs N] [--only PREFIX] [--record FILE]`: our programs as ratios to a named reference,
 * measured in turn in one run. FILE gets ratios and absolute figures, for plot.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { batchLatency, batchRate } from "./bench/batch.ts";
import { batchMemory } from "./bench/batch-memory.ts";
import { frameCpu, softSign } from "./bench/device.ts";
import { absolutes, format, type Row } from "./bench/measure.ts";
import { startNethsm } from "./bench/nethsm.ts";
import { hashFile, hashMemory, startClient } from "./bench/processes.ts";
import { requests } from "./bench/requests.ts";
import { startForced } from "./bench/starts.ts";
import { buildIfStale } from "./build.ts";

/** The beginnings of the rows that each one measures. */
const measures: readonly [readonly string[], (directory: string, n: number) => Promise<Row | Row[]>][] = [
  [["start.request-signature"], startClient],
  [["start.nethsm"], startNethsm],
  [["hash.file"], hashFile],
  [["hash.rss"], hashMemory],
  [["start.signstar"], startForced],
  [["request."], requests],
  [["batch.rate"], batchRate],
  [["batch.latency"], batchLatency],
  [["batch.rss"], batchMemory],
  [["frame.cpu"], frameCpu],
  [["soft.sign."], softSign],
];

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    runs: { type: "string", default: "9" },
    only: { type: "string", default: "" },
    record: { type: "string" },
  },
});
const { json = false, only } = values;
const n = Math.max(3, Number.parseInt(values.runs, 10) || 9);

await buildIfStale();
// Not below /tmp, which may be memory: a GiB is written here.
const directory = mkdtempSync("/var/tmp/signstar-bench-");
try {
  const rows: Row[] = [];
  for (const [names, measure] of measures) {
    if (!names.some((name) => name.startsWith(only) || only.startsWith(name))) continue;
    const measured = [await measure(directory, n)].flat().filter(({ name }) => name.startsWith(only));
    if (!json) for (const row of measured) console.log(format(row));
    rows.push(...measured);
  }
  if (values.record !== undefined) {
    writeFileSync(values.record, `${JSON.stringify({ rows, absolutes }, null, 2)}\n`);
  }
  if (json) console.log(JSON.stringify(rows, null, 1));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
