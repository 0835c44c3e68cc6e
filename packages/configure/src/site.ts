/** All that a configuration is about: its devices, the first of which leads, and this host. */
import type { Config, DeviceConnection } from "@signstar/config/model";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import { type AdminSecrets, type AdminStore, HeldSecrets } from "./admin-store.ts";
import type { ApplyOptions } from "./apply.ts";
import { applyOnce } from "./apply-site.ts";
import type { AnyChange } from "./change.ts";
import type { Desired } from "./desired.ts";
import type { Connect } from "./device.ts";
import { ConfigureError } from "./errors.ts";
import { KeptBackups } from "./kept-backups.ts";
import type { Place } from "./place.ts";
import { planDevices } from "./plan-site.ts";
import type { DevicePlan } from "./report.ts";

export type { ApplyOptions } from "./apply.ts";

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

/** The device that leads, and those that follow. Throws ConfigureError (no-connection). */
export function connectionsOf({ connections }: Config): readonly [DeviceConnection, ...DeviceConnection[]] {
  const [first, ...others] = connections;
  if (first === undefined) throw new ConfigureError("no-connection", "the configuration names no device");
  return [first, ...others];
}

/** What differs on each device, the leader first; changes nothing. Without secrets only new devices can be looked at. */
export function planSite(site: Site, secrets: AdminSecrets | undefined): Promise<DevicePlan[]> {
  return planDevices(site, new HeldSecrets(secrets));
}

/**
 * Makes every device, and this host, what they should be. When it resolves, every device has answered with
 * `secrets.current`: those before need not be kept. Interrupted at any point, it finishes when it is run again with the
 * same secrets. Throws ConfigureError out-of-reach or left-out if a device that follows is not done; the others are.
 */
export async function applySite(site: Site, secrets: AdminSecrets, options: ApplyOptions): Promise<void> {
  // New secrets for a new iteration are the business of whoever shares them out.
  const config = { ...site.config, iteration: secrets.current.iteration };
  await applyOnce({ ...site, config }, new HeldSecrets(secrets), options);
  new KeptBackups(site.place, site.desired).endRestore();
}

/** As `planSite`, with the admin credentials that this host keeps. */
export function planWithStore(site: Site, store: AdminStore): Promise<DevicePlan[]> {
  return planDevices(site, store);
}

/** As `applySite`, with the admin credentials that this host keeps; it makes and extends them as well. */
export async function applyWithStore(site: Site, store: AdminStore, options: ApplyOptions): Promise<void> {
  await applyOnce(site, store, options);
  const secrets = await store.read();
  // A rotation that was under way for an earlier iteration had to be finished first.
  if (secrets?.current.iteration !== site.config.iteration) await applyOnce(site, store, { rotate: false });
  new KeptBackups(site.place, site.desired).endRestore();
}
