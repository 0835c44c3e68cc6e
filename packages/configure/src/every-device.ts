import type { DeviceConnection } from "@signstar/config/model";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import { Exit, Failure } from "@signstar/primitives/failure";
import { ConfigureError } from "./errors.ts";

/** What keeps a device from being done. */
export interface Problem {
  readonly url: DeviceUrl;
  readonly failure: Failure;
}

/** Works on one device after the other. One that fails does not keep the others from it. */
export async function tryEach(
  connections: readonly DeviceConnection[],
  work: (connection: DeviceConnection) => Promise<void>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const connection of connections) {
    try {
      await work(connection);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      problems.push({ url: connection.url, failure: thrown });
    }
  }
  return problems;
}

/** Throws ConfigureError out-of-reach or left-out, which names the devices that are not done, if there are any. */
export function requireNone(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const isAway = problems.some(({ failure }) => failure.exit === Exit.unavailable);
  const all = problems.map(({ url, failure }) => `${url}: ${failure.message}`).join("; ");
  throw new ConfigureError(isAway ? "out-of-reach" : "left-out", `not every device is done: ${all}`, {
    cause: problems[0]?.failure,
    hint: "the other devices are done; do it again when this is mended",
  });
}
