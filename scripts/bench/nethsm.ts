/** What one command of `nethsm` costs, from start to exit. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repository } from "../bundle.ts";
import { cleanEnvironment, pairs, type Row, row, time } from "./measure.ts";

const dist = (name: string) => join(repository, "dist", name);

/** `health state` of a software device on loopback: settings, TLS, one request. */
export async function startNethsm(directory: string, n: number): Promise<Row> {
  const device = spawn(process.execPath, [dist("soft-nethsm"), "--memory", "--listen", "127.0.0.1:0"], {
    env: cleanEnvironment,
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const [ready] = (await once(createInterface(device.stdout), "line")) as [string];
    const { url, tlsFingerprint } = JSON.parse(ready) as { url: string; tlsFingerprint: string };
    const nethsm = [process.execPath, dist("nethsm"), "--config", join(directory, "nethsm.toml")];
    const [program = "", ...words] = [...nethsm, "env", "add", "device", "--label", "bench", url, tlsFingerprint];
    spawnSync(program, words, { env: cleanEnvironment });
    const measured = await pairs(
      n,
      () => time([...nethsm, "health", "state"]),
      () => time([process.execPath, "-e", "0"]),
    );
    return row("start.nethsm", "cost", "node -e 0, same node; health state of a device on loopback", measured);
  } finally {
    device.kill();
  }
}
