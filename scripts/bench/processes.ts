/** What the client costs: hashing a file, and starting at all. */
import { spawnSync } from "node:child_process";
import { closeSync, createReadStream, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../bundle.ts";
import { pairs, type Row, row, time } from "./measure.ts";

const prepare = (file: string) => [
  process.execPath,
  join(repository, "dist", "signstar-request-signature"),
  "prepare",
  file,
];

/** `prepare` of 1 GiB that both find in the page cache, whole process. */
export async function hashFile(directory: string, n: number): Promise<Row> {
  const file = join(directory, "gibibyte");
  spawnSync("sh", ["-c", 'head -c 1073741824 /dev/urandom >"$1"', "sh", file]);
  for await (const _chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    // Reading it once brings it into the cache.
  }
  const measured = await pairs(
    n,
    () => time(prepare(file)),
    () => time(["openssl", "dgst", "-sha512", file]),
  );
  rmSync(file);
  return row("hash.file", "speed", "openssl dgst -sha512 on the same cached GiB, whole process", measured);
}

export async function startRequestSignature(directory: string, n: number): Promise<Row> {
  const file = join(directory, "empty");
  closeSync(openSync(file, "w"));
  const measured = await pairs(
    n,
    () => time(prepare(file)),
    () => time([process.execPath, "-e", "0"]),
  );
  return row("start.request-signature", "cost", "node -e 0, same node; prepare of an empty file", measured);
}
