import type { DeviceConnection } from "@signstar/config/model";
import { Failure } from "@signstar/primitives/failure";
import { type AdminSecrets, type AdminStore, HeldSecrets } from "./admin-secrets.ts";
import { touchesDevice } from "./change.ts";
import { planDeviceSettings } from "./device-settings.ts";
import { eldersOf } from "./elders.ts";
import { planToFollow } from "./follow.ts";
import { plan, rotationOf, withSettings } from "./plan.ts";
import { type Leader, reasonsToFollow } from "./plan-follower.ts";
import { readActual } from "./read-actual.ts";
import type { DevicePlan } from "./report.ts";
import { connectionsOf, type Site } from "./site.ts";
import { withDevice } from "./with-device.ts";

/** What differs on each device, the leader first; changes nothing. Without secrets only new devices can be looked at. */
export function planSite(site: Site, secrets: AdminSecrets | undefined): Promise<DevicePlan[]> {
  return planWithStore(site, new HeldSecrets(secrets));
}

/**
 * As `planSite`, with the admin credentials that this host keeps. A device that cannot be looked at is told of, unless it
 * leads.
 */
export async function planWithStore(site: Site, store: AdminStore): Promise<DevicePlan[]> {
  const [first, ...others] = connectionsOf(site.config);
  return withDevice(site, store, first, async (run, meeting) => {
    const actual = await readActual(run, meeting);
    const leading = plan(site.desired, actual);
    const settings = await planDeviceSettings(site, run, meeting.state, first);
    const whole = withSettings(leading, settings);
    const conflicts = [...whole.conflicts, ...(await eldersOf(site, meeting))];
    const plans: DevicePlan[] = [{ url: first.url, state: meeting.state, plan: { ...whole, conflicts } }];
    const touched = leading.changes.some(touchesDevice);
    const reasons = reasonsToFollow({ touched, rotation: rotationOf(actual, false) });
    for (const connection of others) {
      plans.push(await planOther(site, store, connection, { contents: actual.contents, reasons }));
    }
    return plans;
  });
}

async function planOther(
  site: Site,
  store: AdminStore,
  connection: DeviceConnection,
  leader: Leader,
): Promise<DevicePlan> {
  const { url } = connection;
  try {
    return await withDevice(site, store, connection, async (run, meeting) => {
      return { url, state: meeting.state, plan: await planToFollow(run, meeting, leader) };
    });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    const conflicts = [`it cannot be looked at: ${thrown.message}`];
    return { url, state: "Unreachable", plan: { changes: [], conflicts, notes: [] } };
  }
}
