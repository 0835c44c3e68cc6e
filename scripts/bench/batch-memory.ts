/** 100,000 frames through one signstar-download-signature; the client's side is a loop. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { freshSha512 } from "@signstar/hash-state/sha512-state";
import { toUtf8 } from "@signstar/primitives/bytes";
import { encodeBatchFrame } from "@signstar/signing-request/batch";
import { encodeSigningRequest } from "@signstar/signing-request/request";
import { startBenchStage } from "./bench-stage.ts";
import { type Row, row } from "./measure.ts";

const frames = 100_000;

export async function batchMemory(directory: string): Promise<Row[]> {
  const bench = await startBenchStage(`${directory}/memory`, ["Ed25519"]);
  if (bench === undefined) return [];
  try {
    const [user] = bench.users;
    if (user === undefined) return [];
    const [command = "", ...args] = bench.ssh(user, "batch");
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    let answers = 0;
    child.stdout.on("data", (bytes: Uint8Array) => {
      for (const byte of bytes) if (byte === 0x0a) answers += 1;
    });
    const ended = once(child, "close");
    const peaks: number[] = [];
    for (let i = 0; i < frames; i += 1) {
      const state = { ...freshSha512, tail: toUtf8(`file ${i}`) };
      const room = child.stdin.write(`${encodeBatchFrame(String(i), encodeSigningRequest({ state }))}\n`);
      if (!room) await once(child.stdin, "drain");
      if (i % (frames / 10) === frames / 10 - 1) peaks.push(Number(bench.run(user, "bench-peak")));
    }
    child.stdin.end();
    await ended;
    if (answers !== frames) throw new Error(`${answers} answers to ${frames} frames`);
    const reference = `128 MiB; peak memory of the server's process, looked at ten times in ${frames} frames`;
    const { median: _, ...rest } = row(
      "batch.rss",
      "cost",
      reference,
      peaks.map((peak) => [peak, 128 * 2 ** 20]),
    );
    const worst = Math.max(...peaks) / (128 * 2 ** 20);
    return [{ ...rest, ratio: worst, median: worst }];
  } finally {
    await bench.stage.stop();
  }
}
