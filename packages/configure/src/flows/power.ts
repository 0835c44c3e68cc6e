/** Flows that have nothing to do with the configuration but which devices there are. */
import { NetHsmError } from "@signstar/nethsm/errors";
import type { AdminSecrets } from "../admin-secrets.ts";
import { unlessLost } from "../answer-lost.ts";
import type { Device } from "../device.ts";
import { unlock } from "../enter.ts";
import { ConfigureError } from "../errors.ts";
import { requireNone, tryEach } from "../every-device.ts";
import type { Site } from "../site.ts";
import { administrate, type Met, meeting } from "./each-device.ts";
import { untilAway, untilErased, untilRestarted } from "./restart.ts";

/** Every device that is Locked becomes Operational. Throws ConfigureError (out-of-reach, left-out). */
export async function unlockSite(site: Site, secrets: AdminSecrets): Promise<void> {
  const problems = await tryEach(site.config.connections, (connection) =>
    meeting(site, secrets, connection, async ({ run, state }) => {
      if (state === "Operational") return;
      if (state !== "Locked") throw wrongState(state, "unlocked");
      await unlock(run);
      site.done(connection.url, { kind: "unlock" });
    }),
  );
  requireNone(problems);
}

/**
 * Restarts one device after the other and unlocks it, so that the others go on signing meanwhile. Stops at the first
 * that does not come back.
 */
export async function rebootSite(site: Site, secrets: AdminSecrets): Promise<void> {
  for (const connection of site.config.connections) {
    const attended = await meeting(site, secrets, connection, async (met) => {
      if (met.state === "Unprovisioned") throw wrongState(met.state, "restarted");
      const device = met.state === "Failed" ? met.run.device : await administrate(site, met);
      const isAttended = met.state === "Failed" || (await device.config.getUnattendedBoot()) === "off";
      const isTold = await unlessLost(device.system.reboot());
      site.done(connection.url, { kind: "reboot" });
      // One that may not have heard of it has to be seen away.
      return isAttended || !isTold;
    });
    await untilRestarted(site, connection, { attended });
    await meeting(site, secrets, connection, (met) => administrate(site, met));
  }
}

/** Every device is switched off. Throws ConfigureError (out-of-reach, left-out). */
export async function shutdownSite(site: Site, secrets: AdminSecrets): Promise<void> {
  const problems = await tryEach(site.config.connections, (connection) =>
    meeting(site, secrets, connection, async (met) => {
      if (!(await unlessLost(shutDown(site, met)))) await untilAway(site, connection);
      site.done(connection.url, { kind: "shutdown" });
    }),
  );
  requireNone(problems);
}

/** Since release 3.0 anybody may, unless the device is Operational; before, an administrator alone. */
async function shutDown(site: Site, met: Met): Promise<void> {
  if (met.state === "Operational") return (await administrate(site, met)).system.shutdown();
  try {
    return await met.run.device.system.shutdown();
  } catch (thrown) {
    if (!(thrown instanceof NetHsmError) || thrown.code !== "wrong-state" || met.state !== "Locked") throw thrown;
    return (await administrate(site, met)).system.shutdown();
  }
}

/** Erases every device: keys too. Throws ConfigureError (out-of-reach, left-out). */
export async function factoryResetSite(site: Site, secrets: AdminSecrets): Promise<void> {
  const problems = await tryEach(site.config.connections, (connection) =>
    meeting(site, secrets, connection, async (met) => {
      if (met.state === "Unprovisioned") return;
      const device = met.state === "Failed" ? met.run.device : await administrate(site, met);
      await erase(site, met, device);
      // It makes itself a new certificate, and is as new to us as we are to it.
      met.run.files.forgetTlsPins(connection.url);
      site.done(connection.url, { kind: "factory-reset" });
    }),
  );
  requireNone(problems);
}

/** That it is done is said when it is known. */
async function erase(site: Site, { connection }: Met, device: Device): Promise<void> {
  if (!(await unlessLost(device.system.factoryReset()))) await untilErased(site, connection);
}

export function wrongState(state: string, what: string): ConfigureError {
  return new ConfigureError("wrong-state", `the device is ${state} and cannot be ${what}`, {
    hint: state === "Unprovisioned" ? "apply the configuration first" : "see its diagnosis: nethsm health diagnose",
  });
}
