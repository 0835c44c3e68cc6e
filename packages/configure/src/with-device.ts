import type { DeviceConnection } from "@signstar/config/model";
import type { AdminStore } from "./admin-secrets.ts";
import { type Meeting, meet } from "./meet.ts";
import { Run } from "./run.ts";
import type { Site } from "./site.ts";
import { StateFiles } from "./state-files.ts";

/** Meets the device, and lets go of it whatever happens. */
export async function withDevice<T>(
  site: Site,
  store: AdminStore,
  connection: DeviceConnection,
  work: (run: Run, meeting: Meeting) => Promise<T>,
): Promise<T> {
  const meeting = await meet(connection, new StateFiles(site.place), site.connect);
  try {
    return await work(runOn(site, store, meeting), meeting);
  } finally {
    meeting.device.close();
  }
}

/** What one run knows of the device that was met. */
function runOn(site: Site, store: AdminStore, { device }: Meeting): Run {
  const { config, desired, place } = site;
  const { iteration } = config;
  return new Run({
    desired,
    iteration,
    device,
    place,
    store,
    now: () => site.now(),
    sleep: (ms) => site.sleep(ms),
  });
}
