/** All that a configuration is about: its devices, the first of which leads, and this host. */
import type { Config } from "@signstar/config/model";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import { type AdminSecrets, type AdminStore, HeldSecrets } from "./admin-store.ts";
import { applyToDevice, planDevice } from "./apply.ts";
import type { AnyChange } from "./change.ts";
import type { Desired } from "./desired.ts";
import type { Connect } from "./device.ts";
import { applySettings, planDeviceSettings, requireSettingsPossible } from "./device-settings.ts";
import type { Place } from "./place.ts";
import { joined } from "./plan.ts";
import type { DevicePlan } from "./report.ts";
import { onlyConnection } from "./support.ts";
import { withDevice } from "./with-device.ts";

export interface Site {
  readonly config: Config;
  readonly desired: Desired;
  readonly place: Place;
  readonly connect: Connect;
  now(): Date;
  sleep(ms: number): Promise<void>;
  /** Told of each change right after it was made. */
  done(device: DeviceUrl, change: AnyChange): void;
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
    const isLeader = connection === site.config.connections[0];
    await withDevice(site, store, connection, async (run, meeting) => {
      const plan = await planDevice(run, meeting);
      const settings = isLeader ? await planDeviceSettings(site, run, meeting.state, connection) : undefined;
      plans.push({ url, state: meeting.state, plan: joined(plan, settings) });
    });
  }
  return plans;
}

/** As `applySite`, with the admin credentials that this host keeps; it makes and extends them as well. */
export async function applyWithStore(site: Site, store: AdminStore, _options: ApplyOptions): Promise<void> {
  const connection = onlyConnection(site.config);
  await withDevice(site, store, connection, async (run, meeting) => {
    await requireSettingsPossible(site, run, meeting.state, connection);
    await applyToDevice(run, meeting, (change) => site.done(connection.url, change));
  });
  await applySettings(site, store, { network: false });
  // Nobody may reach the device at this URL afterwards.
  await applySettings(site, store, { network: true });
}
