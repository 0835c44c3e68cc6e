/** All that a configuration is about: its devices, the first of which leads, and this host. */
import type { Config, DeviceConnection } from "@signstar/config/model";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import { type AdminSecrets, type AdminStore, HeldSecrets } from "./admin-store.ts";
import { applyToDevice, planDevice } from "./apply.ts";
import type { Change } from "./change.ts";
import type { Desired } from "./desired.ts";
import type { Connect } from "./device.ts";
import { type Meeting, meet } from "./meet.ts";
import type { Place } from "./place.ts";
import type { DevicePlan } from "./report.ts";
import { Run } from "./run.ts";
import { StateFiles } from "./state-files.ts";
import { onlyConnection } from "./support.ts";

export interface Site {
  readonly config: Config;
  readonly desired: Desired;
  readonly place: Place;
  readonly connect: Connect;
  now(): Date;
  sleep(ms: number): Promise<void>;
  /** Told of each change right after it was made. */
  done(device: DeviceUrl, change: Change): void;
}

export interface ApplyOptions {
  /** Whether every user but the administrators gets a fresh passphrase. */
  readonly rotate: boolean;
}

/** What differs on each device, the leader first; changes nothing. Without secrets only new devices can be looked at. */
export function planSite(site: Site, secrets: AdminSecrets | undefined): Promise<DevicePlan[]> {
  return planWithStore(site, new HeldSecrets(secrets));
}

/**
 * Makes every device, and this host, what they should be. When it resolves, every device has answered with
 * `secrets.current`. Interrupted at any point, it finishes when it is run again with the same secrets.
 */
export function applySite(site: Site, secrets: AdminSecrets, options: ApplyOptions): Promise<void> {
  return applyWithStore(site, new HeldSecrets(secrets), options);
}

/** As `planSite`, with the admin credentials that this host keeps. */
export async function planWithStore(site: Site, store: AdminStore): Promise<DevicePlan[]> {
  const plans: DevicePlan[] = [];
  for (const connection of site.config.connections) {
    const { url } = connection;
    await withDevice(site, store, connection, async (run, meeting) => {
      plans.push({ url, state: meeting.state, plan: await planDevice(run, meeting) });
    });
  }
  return plans;
}

/** As `applySite`, with the admin credentials that this host keeps; it makes and extends them as well. */
export async function applyWithStore(site: Site, store: AdminStore, _options: ApplyOptions): Promise<void> {
  const connection = onlyConnection(site.config);
  await withDevice(site, store, connection, (run, meeting) =>
    applyToDevice(run, meeting, (change) => site.done(connection.url, change)),
  );
}

async function withDevice(
  site: Site,
  store: AdminStore,
  connection: DeviceConnection,
  work: (run: Run, meeting: Meeting) => Promise<void>,
): Promise<void> {
  const meeting = await meet(connection, new StateFiles(site.place), site.connect);
  try {
    await work(runOn(site, store, meeting), meeting);
  } finally {
    meeting.device.close();
  }
}

/** What one run knows of the device that was met. */
export function runOn(site: Site, store: AdminStore, { device }: Meeting): Run {
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
