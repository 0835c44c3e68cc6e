import { Exit, Failure } from "@signstar/primitives/failure";
import { type Meeting, meet } from "./meet.ts";
import { connectionsOf, type Site } from "./site.ts";
import { StateFiles } from "./state-files.ts";

/**
 * Devices that hold keys already, while the one that is to lead is new, in words. It would get other keys under the same
 * names. One that is away cannot be asked.
 */
export async function eldersOf(site: Site, leader: Pick<Meeting, "state">): Promise<readonly string[]> {
  if (leader.state !== "Unprovisioned") return [];
  const [, ...others] = connectionsOf(site.config);
  const conflicts: string[] = [];
  for (const connection of others) {
    try {
      const { device, state } = await meet(connection, new StateFiles(site.place), site.connect);
      device.close();
      if (state === "Unprovisioned") continue;
      conflicts.push(`the first device is new, and ${connection.url} is ${state}: let that one be the first`);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      if (thrown.exit !== Exit.unavailable) conflicts.push(thrown.message);
    }
  }
  return conflicts;
}
