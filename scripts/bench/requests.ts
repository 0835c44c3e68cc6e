/** What one signature costs on the appliance and over a fresh SSH connection. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../bundle.ts";
import { startBenchStage } from "./bench-stage.ts";
import { pairs, type Row, row, time } from "./measure.ts";

const emptyNode = "node -e 0, same node";

export async function requests(directory: string, n: number): Promise<Row[]> {
  const bench = await startBenchStage(join(directory, "requests"), ["Ed25519", "RSA-2048", "EcP256"]);
  if (bench === undefined) return [];
  try {
    const { users, run, ssh } = bench;
    const file = join(directory, "input");
    writeFileSync(file, "bench\n");
    const client = join(repository, "dist", "signstar-request-signature");
    const request = spawnSync(process.execPath, [client, "prepare", file], { encoding: "utf8" }).stdout;
    const program = "/usr/bin/signstar-download-signature";
    const rows: Row[] = [];
    const [first] = users;
    if (first === undefined) return [];
    for (const user of users) {
      const measured = JSON.parse(run(user, `bench-timer ${n} ${program}`, request)) as [number, number][];
      rows.push(row(`request.process.${user.keyType}`, "cost", `${emptyNode}; TLS to soft-nethsm included`, measured));
    }
    const measured = await pairs(
      n,
      () => time(ssh(first), request),
      () => time(ssh(first, "true")),
    );
    rows.push(row("request.ssh", "cost", "the same fresh ssh connection with /bin/true", measured));
    return rows;
  } finally {
    await bench.stage.stop();
  }
}
