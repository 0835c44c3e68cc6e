/** Devices as flows meet them that know no plan. */
import type { DeviceConnection } from "@signstar/config/model";
import type { AdminSecrets } from "../admin-secrets.ts";
import { HeldSecrets } from "../admin-secrets.ts";
import type { Device } from "../device.ts";
import { logIn, unlock } from "../enter.ts";
import type { Meeting } from "../meet.ts";
import type { Run } from "../run.ts";
import type { Site } from "../site.ts";
import { withDevice } from "../with-device.ts";

/** A device that was met, and how it is. */
export interface Met {
  readonly run: Run;
  readonly state: Meeting["state"];
  readonly connection: DeviceConnection;
  readonly firstPin: Meeting["firstPin"];
}

/** Meets a device with the secrets at hand, and lets go of it in the end. */
export function meeting<T>(
  site: Site,
  secrets: AdminSecrets,
  connection: DeviceConnection,
  work: (met: Met) => Promise<T>,
): Promise<T> {
  return withDevice(site, new HeldSecrets(secrets), connection, (run, { state, firstPin }) => {
    run.secrets = secrets;
    return work({ run, state, connection, firstPin });
  });
}

/** The device as its leading administrator sees it, unlocked if need be. */
export async function administrate(site: Site, { run, state, connection }: Met): Promise<Device> {
  if (state === "Locked") {
    await unlock(run);
    site.done(connection.url, { kind: "unlock" });
  }
  return logIn(run);
}
