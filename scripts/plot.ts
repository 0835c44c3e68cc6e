/**
 * Draws what the bench has recorded:  node scripts/plot.ts [docs/performance.json]
 * Beside the file: performance-ratios.svg and performance-costs.svg, and the table in performance.md, between its two
 * comments.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Absolute, Row } from "./bench/measure.ts";

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  /** Up to here, or from here on, is what is wanted. */
  readonly goal?: number;
  readonly text: string;
}

/** Goals by name: at most for costs, at least for speeds. */
const goals: Readonly<Record<string, number>> = {
  "hash.file": 0.55,
  "hash.file.native": 0.95,
  "hash.rss": 1,
  "start.request-signature": 1.6,
  "start.nethsm": 1.6,
  "request.process.Ed25519": 2.5,
  "request.process.RSA-2048": 2.5,
  "request.process.EcP256": 4,
  "request.ssh": 1.5,
  "batch.rate": 0.6,
  "batch.latency": 0.4,
  "batch.rss": 1,
  "frame.cpu": 1,
  "soft.sign.Ed25519": 0.15,
  "soft.sign.RSA-2048": 0.25,
};

/** All programs behind ForceCommand have the same goal. */
function goalOf(name: string): number | undefined {
  return name.startsWith("start.signstar-") ? 1.3 : goals[name];
}

const barHeight = 22;
const labelWidth = 270;
const plotWidth = 460;

/** Horizontal bars on a logarithmic axis from `from` to `to`, with lines at `ticks`. */
function chart(title: string, bars: readonly Bar[], from: number, to: number, ticks: readonly number[]): string {
  const x = (value: number): number => {
    const share = Math.log(Math.min(Math.max(value, from), to) / from) / Math.log(to / from);
    return Math.round(labelWidth + share * plotWidth);
  };
  const height = 60 + bars.length * barHeight;
  const lines = ticks.map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="36" y2="${height - 20}" stroke="#ccc"/>` +
      `<text x="${x(tick)}" y="${height - 6}" text-anchor="middle">${tick}</text>`,
  );
  const drawn = bars.map(({ label, value, low, high, goal, text }, i) => {
    const y = 40 + i * barHeight;
    const middle = y + barHeight / 2;
    const parts = [
      `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end">${label}</text>`,
      `<rect x="${labelWidth}" y="${y + 4}" width="${x(value) - labelWidth}" height="${barHeight - 8}" fill="#7a9cc6"/>`,
      `<text x="${labelWidth + plotWidth + 8}" y="${middle + 4}">${text}</text>`,
    ];
    if (low !== undefined && high !== undefined) {
      parts.push(`<line x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}" stroke="#222"/>`);
    }
    if (goal !== undefined) {
      parts.push(
        `<line x1="${x(goal)}" x2="${x(goal)}" y1="${y + 1}" y2="${y + barHeight - 1}" stroke="#b33" stroke-width="2"/>`,
      );
    }
    return parts.join("");
  });
  const width = labelWidth + plotWidth + 90;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="10" y="20" font-size="14">${title}</text>`,
    ...lines,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

function ratios(rows: readonly Row[]): string {
  const bars = rows.map(({ name, median, p10, p90 }) => {
    const goal = goalOf(name);
    const bar = { label: name, value: median, low: p10, high: p90, text: median.toFixed(2) };
    return goal === undefined ? bar : { ...bar, goal };
  });
  return chart("Ratio to the reference: median, p10 to p90; red: the goal", bars, 0.01, 10, [0.01, 0.1, 1, 10]);
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ name, median, p10, p90, reference }) => {
    const goal = goalOf(name);
    const wanted = goal === undefined ? "–" : `${reference.startsWith("speed") ? "≥" : "≤"} ${goal}`;
    return `| \`${name}\` | ${[median, p10, p90].map((value) => value.toFixed(2)).join(" | ")} | ${wanted} | ${reference} |`;
  });
  return ["| row | median | p10 | p90 | goal | against |", "|---|---|---|---|---|---|", ...lines].join("\n");
}

function costs(absolutes: readonly Absolute[]): string {
  const found = (name: string) => absolutes.find((each) => each.name === name);
  const [process, ssh, batch] = ["request.process.Ed25519", "request.ssh", "batch.rate"].map(found);
  const candidates: readonly (readonly [string, number | undefined])[] = [
    ["node -e 0", process?.theirs],
    ["the program, HSM included", process?.ours],
    ["SSH connection alone (/bin/true)", ssh?.theirs],
    ["SSH connection and one signature", ssh?.ours],
    ["one of 2000 signatures in a batch", batch && batch.ours / 2000],
    ["one HSM call of 2000, 32 at a time", batch && batch.theirs / 2000],
  ];
  const bars = candidates.flatMap(([label, seconds]) =>
    seconds === undefined ? [] : [{ label, value: seconds * 1000, text: `${(seconds * 1000).toFixed(1)} ms` }],
  );
  return chart("What a signature costs, in ms", bars, 0.1, 1000, [0.1, 1, 10, 100, 1000]);
}

const [file = fileURLToPath(new URL("../docs/performance.json", import.meta.url))] = process.argv.slice(2);
const record = JSON.parse(readFileSync(file, "utf8")) as { readonly rows: Row[]; readonly absolutes: Absolute[] };
writeFileSync(join(dirname(file), "performance-ratios.svg"), ratios(record.rows));
writeFileSync(join(dirname(file), "performance-costs.svg"), costs(record.absolutes));
const document = join(dirname(file), "performance.md");
const [before, , after] = readFileSync(document, "utf8").split(/(?<=<!-- table -->\n)|(?=\n<!-- end of table -->)/);
writeFileSync(document, `${before}${table(record.rows)}${after}`);
