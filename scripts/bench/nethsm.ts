/** What one command of `nethsm` costs before it has a connection. */
import { join } from "node:path";
import { repository } from "../bundle.ts";
import { launched, pairs, type Row, row, time } from "./measure.ts";

const refused = 69;

/** `health state` up to the request: nobody listens at port 1. */
export async function startNethsm(directory: string, n: number): Promise<Row> {
  const settings = join(directory, "nethsm.toml");
  const nethsm = [...launched(join(repository, "dist", "nethsm")), "--config", settings];
  const device = ["--label", "bench", "https://127.0.0.1:1/api/v1", `sha256:${"00".repeat(32)}`];
  await time([...nethsm, "env", "add", "device", ...device]);
  const measured = await pairs(
    n,
    () => time([...nethsm, "health", "state"], "", refused),
    () => time([process.execPath, "-e", "0"]),
  );
  return row("start.nethsm", "cost", "node -e 0, same node; health state to the refused connection", measured);
}
