/** The client as a process: hashing and starting. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  createReadStream,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { repository } from "../bundle.ts";
import { cleanEnvironment, launched, pairs, type Row, row, time } from "./measure.ts";

const client = join(repository, "dist", "signstar-request-signature");
const GiB = 2 ** 30;

/** A client that finds no koffi: the program alone, as it is installed. */
function portableClient(directory: string): string {
  const folder = join(directory, "portable");
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, "signstar-request-signature");
  copyFileSync(client, copy);
  return copy;
}

const prepare = (program: string, file: string) => [...launched(program), "prepare", file];

/** `prepare` of 1 GiB that both find in the page cache, whole process, without and with OpenSSL through koffi. */
export async function hashFile(directory: string, n: number): Promise<Row[]> {
  const file = join(directory, "gibibyte");
  spawnSync("sh", ["-c", 'head -c 1073741824 /dev/urandom >"$1"', "sh", file]);
  for await (const _chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    // Reading it once brings it into the cache.
  }
  const rows: Row[] = [];
  for (const [name, program] of [
    ["hash.file", portableClient(directory)],
    ["hash.file.native", client],
  ] as const) {
    const measured = await pairs(
      n,
      () => time(prepare(program, file)),
      () => time(["openssl", "dgst", "-sha512", file]),
    );
    rows.push(row(name, "speed", "openssl dgst -sha512 on the same cached GiB, whole process", measured));
  }
  rmSync(file);
  return rows;
}

/** The greatest of the peaks for files from 1 MB to 100 GB, with and without koffi; of the largest its first seconds. */
export async function hashMemory(directory: string): Promise<Row> {
  const measured: [number, number][] = [];
  for (const program of [portableClient(directory), client]) {
    for (const size of [1e6, GiB, 1e11]) {
      const file = join(directory, "sparse");
      closeSync(openSync(file, "w"));
      truncateSync(file, size);
      measured.push([await peakMemory(prepare(program, file), 8000), 64 * 2 ** 20]);
      rmSync(file);
    }
  }
  const reference = "64 MiB; peak memory of prepare for 1 MB, 1 GiB and 100 GB (its first 8 s), without and with koffi";
  const { median: _, ...rest } = row("hash.rss", "cost", reference, measured);
  // The worst one is what counts.
  const worst = Math.max(...measured.map(([ours, theirs]) => ours / theirs));
  return { ...rest, ratio: worst, median: worst };
}

/** Bytes. */
export async function peakMemory([command = "", ...args]: readonly string[], ms: number): Promise<number> {
  const child = spawn(command, args, { env: cleanEnvironment, stdio: "ignore" });
  const ended = once(child, "close");
  let peak = 0;
  for (let waited = 0; waited < ms && child.exitCode === null; waited += 10) {
    peak = Math.max(peak, residentPeak(child.pid));
    await setTimeout(10);
  }
  child.kill();
  await ended;
  return peak;
}

/** VmHWM in bytes; 0 for a process that has ended. */
export function residentPeak(pid: number | undefined): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

export async function startClient(directory: string, n: number): Promise<Row> {
  const file = join(directory, "empty");
  closeSync(openSync(file, "w"));
  const measured = await pairs(
    n,
    () => time(prepare(client, file)),
    () => time([process.execPath, "-e", "0"]),
  );
  return row("start.request-signature", "cost", "node -e 0, same node; prepare of an empty file", measured);
}
