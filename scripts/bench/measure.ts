/** Times whole processes in turn and gives ratios: the machine's speed drifts, what stands side by side does not. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { firstLine, repository } from "../bundle.ts";

export interface Row {
  readonly name: string;
  readonly ratio: number;
  readonly reference: string;
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly n: number;
}

/** Nothing of the caller's environment: NODE_EXTRA_CA_CERTS alone can triple the start of a process. */
export const cleanEnvironment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/nonexistent", LANG: "C.UTF-8" };

/** The command line by which the checkout's launcher starts a program: with its code cache, as an installed one has it. */
export function launched(program: string, lib = join(repository, "dist", "lib")): readonly string[] {
  const [, words = ""] = firstLine.split("/usr/bin/node ");
  return [process.execPath, words.replace("/usr/lib/signstar", lib), program];
}

/** Seconds of wall time for one process, from start to exit with the status that is expected. */
export function time([command = "", ...args]: readonly string[], input = "", expected = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const child = spawn(command, args, { env: cleanEnvironment, stdio: ["pipe", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (bytes) => {
      errors += bytes;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === expected) resolve(Number(process.hrtime.bigint() - start) / 1e9);
      else reject(new Error(`${command} ended with ${code}: ${errors}`));
    });
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdin.end(input);
  });
}

/** Pairs of seconds, ours and theirs, after one warm-up of each. Every other pair runs the other way round. */
export async function pairs(
  n: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<[number, number][]> {
  await ours();
  await theirs();
  const measured: [number, number][] = [];
  for (let run = 0; run < n; run += 1) {
    if (run % 2 === 0) {
      measured.push([await ours(), await theirs()]);
    } else {
      const second = await theirs();
      measured.push([await ours(), second]);
    }
  }
  return measured;
}

/** What was measured, before it became a ratio: medians of ours and of the reference, in seconds (or bytes). */
export interface Absolute {
  readonly name: string;
  readonly ours: number;
  readonly theirs: number;
}

export const absolutes: Absolute[] = [];

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** `cost` is our time over theirs (lower is better), `speed` the inverse (higher is better). */
export function row(
  name: string,
  kind: "cost" | "speed",
  reference: string,
  measured: readonly (readonly [number, number])[],
): Row {
  const ratios = measured
    .map(([ours, theirs]) => (kind === "cost" ? ours / theirs : theirs / ours))
    .sort((a, b) => a - b);
  absolutes.push({
    name,
    ours: median(measured.map(([ours]) => ours)),
    theirs: median(measured.map(([, its]) => its)),
  });
  const at = (q: number) => ratios[Math.round((ratios.length - 1) * q)] ?? Number.NaN;
  return {
    name,
    ratio: at(0.5),
    reference: `${kind} against ${reference}`,
    median: at(0.5),
    p10: at(0.1),
    p90: at(0.9),
    n: ratios.length,
  };
}

export function format({ name, median, p10, p90, n, reference }: Row): string {
  return `${name.padEnd(26)} ${median.toFixed(2)}  (p10 ${p10.toFixed(2)}, p90 ${p90.toFixed(2)}, n ${n})  ${reference}`;
}
