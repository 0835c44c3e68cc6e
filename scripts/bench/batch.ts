/** Thousands of files over one connection. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../bundle.ts";
import { type BenchStage, startBenchStage } from "./bench-stage.ts";
import { launched, pairs, type Row, row, time } from "./measure.ts";

const files = 2000;
const width = 32;

export async function batchRate(directory: string, n: number): Promise<Row[]> {
  const bench = await startBenchStage(join(directory, "rate"), ["Ed25519"]);
  if (bench === undefined) return [];
  try {
    const [user] = bench.users;
    if (user === undefined) return [];
    const measured = await pairs(
      Math.min(n, 5),
      () => signAll(bench, directory),
      async () => Number(bench.run(user, `bench-raw-sign ${files} ${width}`)),
    );
    const reference = `POST /sign by the client library, ${width} at a time; sign of ${files} files, whole process`;
    return [row("batch.rate", "speed", reference, measured)];
  } finally {
    await bench.stage.stop();
  }
}

export async function batchLatency(directory: string, n: number): Promise<Row[]> {
  const bench = await startBenchStage(join(directory, "latency"), ["Ed25519"], ["--fault", "sign:delay=10ms"]);
  if (bench === undefined) return [];
  try {
    const ideal = (files / width) * 0.01;
    const measured = await pairs(
      Math.min(n, 5),
      () => signAll(bench, directory),
      async () => ideal,
    );
    const reference = `${width} signatures in 10 ms, which is what soft-nethsm then takes; sign of ${files} files, whole process`;
    return [row("batch.latency", "speed", reference, measured)];
  } finally {
    await bench.stage.stop();
  }
}

/** Seconds for `sign` of all files. */
async function signAll({ stage, users }: BenchStage, directory: string): Promise<number> {
  const [user] = users;
  const folder = join(directory, "files");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const names = Array.from({ length: files }, (_, i) => join(folder, String(i)));
  for (const name of names) writeFileSync(name, `${name}\n`);
  return await time([
    ...[...launched(join(repository, "dist", "signstar-request-signature")), "sign"],
    ...["-p", String(stage.port), "-i", user?.file ?? "", "--known-hosts", stage.knownHosts],
    ...[`${user?.user}@127.0.0.1`, ...names],
  ]);
}
