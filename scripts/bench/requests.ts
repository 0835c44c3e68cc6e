/** What one signature costs on the appliance and over a fresh SSH connection, and what a program's start does. */
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
    const timed = (user: (typeof users)[number], exit: number, words: string) =>
      JSON.parse(run(user, `bench-timer ${n} ${exit} ${words}`, request)) as [number, number][];
    const rows: Row[] = [];
    const [first] = users;
    if (first === undefined) return [];
    // Everything that a request does before it has a connection: 69 says that the device refuses one.
    const start = timed(first, 69, `${program} --config /etc/signstar/dead.toml`);
    const reference = `${emptyNode}; to the refused connection to the HSM`;
    rows.push(row("start.signstar-download-signature", "cost", reference, start));
    for (const user of users) {
      const measured = timed(user, 0, program);
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
