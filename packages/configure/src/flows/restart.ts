import type { DeviceConnection } from "@signstar/config/model";
import { NetHsmError } from "@signstar/nethsm/errors";
import type { SystemState } from "@signstar/nethsm/types";
import { Exit, messageOf } from "@signstar/primitives/failure";
import { ConfigureError } from "../errors.ts";
import { meet } from "../meet.ts";
import type { Site } from "../site.ts";
import { StateFiles } from "../state-files.ts";

const pauseMs = 5_000;
/** An update takes minutes. */
const patienceMs = 15 * 60_000;
/** After that an unattended device that was never seen away is taken to have been faster than we look. */
const quickMs = 60_000;

/**
 * Waits until a device that was told to restart has done so. An attended one comes back Locked; of one that comes back as
 * it was, nobody can tell it has, unless it was away.
 *
 * @throws ConfigureError out-of-reach, after a quarter of an hour
 */
export async function untilRestarted(
  site: Site,
  connection: DeviceConnection,
  { attended }: { readonly attended: boolean },
): Promise<SystemState> {
  let wasAway = false;
  let state: SystemState | undefined;
  for (let waited = 0; waited < patienceMs; waited += pauseMs) {
    await site.sleep(pauseMs);
    state = await stateOf(site, connection);
    if (state === undefined) wasAway = true;
    else if (state !== "Operational" || wasAway || (!attended && waited >= quickMs)) return state;
  }
  const found = state === undefined ? "has not come back" : `is still ${state}`;
  throw new ConfigureError("out-of-reach", `${connection.url} was told to restart and ${found} after 15 minutes`, {
    hint: "look at the device; when it is there again, do the same once more: it goes on where it stopped",
  });
}

/** Looks whether a device goes that may not have heard that it is to shut down. Throws ConfigureError device-failed. */
export async function untilAway(site: Site, connection: DeviceConnection): Promise<void> {
  for (let waited = 0; ; waited += pauseMs) {
    await site.sleep(pauseMs);
    const state = await stateOf(site, connection);
    if (state === undefined) return;
    if (waited >= quickMs) {
      throw new ConfigureError("device-failed", `${connection.url} was told to shut down and is still ${state}`, {
        hint: "do it again",
      });
    }
  }
}

/**
 * Looks whether a device was erased whose answer to that was lost: it may never have heard of it.
 *
 * @throws ConfigureError device-failed if it was not, out-of-reach if nobody can tell
 */
export async function untilErased(site: Site, connection: DeviceConnection): Promise<void> {
  let state: SystemState | undefined;
  for (let waited = 0; waited < patienceMs; waited += pauseMs) {
    await site.sleep(pauseMs);
    try {
      state = await stateOf(site, connection);
    } catch (cause) {
      // An erased device makes itself another certificate; so does whoever stands in front of one that was not.
      throw new ConfigureError("out-of-reach", `whether ${connection.url} was erased is unknown: ${messageOf(cause)}`, {
        cause,
        hint: "look at the device itself",
      });
    }
    if (state === "Unprovisioned") return;
    if (state !== undefined && waited >= quickMs) {
      throw new ConfigureError("device-failed", `${connection.url} was not erased: it is ${state}`, {
        hint: "do it again",
      });
    }
  }
  throw new ConfigureError("out-of-reach", `whether ${connection.url} was erased is unknown: it has not come back`, {
    hint: "look at the device itself",
  });
}

/** Waits for a device whose certificate or network has changed, a minute at most. Throws ConfigureError out-of-reach. */
export async function untilReachable(site: Site, connection: DeviceConnection): Promise<void> {
  for (let waited = 0; (await stateOf(site, connection)) === undefined; waited += pauseMs) {
    if (waited >= quickMs) {
      throw new ConfigureError(
        "out-of-reach",
        `${connection.url} cannot be reached any more: its network has changed`,
        {
          hint: "make the url of the first connection and [device.network] fit each other",
        },
      );
    }
    await site.sleep(pauseMs);
  }
}

/** Undefined: it cannot be reached, or does not serve. */
async function stateOf(site: Site, connection: DeviceConnection): Promise<SystemState | undefined> {
  try {
    const { device, state } = await meet(connection, new StateFiles(site.place), site.connect);
    device.close();
    return state;
  } catch (thrown) {
    if (thrown instanceof NetHsmError && thrown.exit === Exit.unavailable && !isDistrust(thrown)) return undefined;
    throw thrown;
  }
}

/** Another certificate than expected does not pass by waiting. */
function isDistrust({ code }: NetHsmError): boolean {
  return code === "tls-pin-mismatch" || code === "tls-untrusted";
}
