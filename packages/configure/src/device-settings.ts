/** The settings of the leading device: [device] of the configuration, and which TLS certificates are trusted. */
import type { DeviceConnection } from "@signstar/config/model";
import { freshSettings, readSettings } from "./actual-settings.ts";
import type { AdminStore } from "./admin-secrets.ts";
import { requireNoConflict } from "./apply.ts";
import { logIn } from "./enter.ts";
import { ConfigureError } from "./errors.ts";
import type { Meeting } from "./meet.ts";
import { performSetting } from "./perform-setting.ts";
import type { Plan } from "./plan.ts";
import { planSettings, type Reach } from "./plan-settings.ts";
import type { Run } from "./run.ts";
import { describeSetting, isInBackup, type SettingChange } from "./setting-change.ts";
import type { Site } from "./site.ts";
import { StateFiles } from "./state-files.ts";
import { withDevice } from "./with-device.ts";

const nothing: Plan<never> = { changes: [], conflicts: [], notes: [] };

/** What differs; nothing is known of a device that is Locked. Changes nothing. */
export async function planDeviceSettings(
  site: Site,
  run: Run,
  state: Meeting["state"],
  connection: DeviceConnection,
): Promise<Plan<SettingChange>> {
  const reach = reachOf(run.files, connection);
  const { device } = site.config;
  if (device === undefined && !isUnsure(reach)) return nothing;
  if (state === "Unprovisioned") return planSettings(device, freshSettings, reach);
  if (state !== "Operational") return nothing;
  return planSettings(device, await readSettings(await logIn(run), device, isUnsure(reach)), reach);
}

/** Throws ConfigureError (conflict), before anything else is changed: as far as can be known of the device by then. */
export async function requireSettingsPossible(
  ...[site, run, state, connection]: Parameters<typeof planDeviceSettings>
) {
  if (state !== "Operational") return;
  run.secrets = await run.store.read();
  requireNoConflict(await planDeviceSettings(site, run, state, connection));
}

/**
 * Makes the settings of the leading device, which is Operational, what they should be; `network` only if it is asked for,
 * since nobody may reach the device at this URL afterwards. Interrupted at any point, it finishes when it is run again.
 */
export async function applySettings(
  site: Site,
  store: AdminStore,
  { network }: { readonly network: boolean },
): Promise<void> {
  const [connection] = site.config.connections;
  if (connection === undefined) return;
  if (site.config.device === undefined && !isUnsure(reachOf(new StateFiles(site.place), connection))) return;
  const made = new Set<string>();
  // A change of the certificate ends what is known of the device: it is met anew for each step.
  for (let isDone = false; !isDone; ) {
    await withDevice(site, store, connection, async (run) => {
      run.secrets = await store.read();
      const plan = await planDeviceSettings(site, run, "Operational", connection);
      requireNoConflict(plan);
      const change = plan.changes.find(({ kind }) => network || kind !== "set-network");
      // After the last of them the device may be elsewhere.
      isDone = change === undefined || change.kind === "set-network";
      if (change === undefined) return;
      if (made.has(change.kind)) {
        throw new ConfigureError(
          "device-failed",
          `the device took a setting and does not have it: ${describeSetting(change)}`,
        );
      }
      made.add(change.kind);
      if (isInBackup(change)) run.backups.markDue();
      await performSetting({ site, run, connection }, change);
      site.done(connection.url, change);
    });
  }
}

function reachOf(files: StateFiles, connection: DeviceConnection): Reach {
  return { connection, learntPins: files.readTlsPins().get(connection.url) ?? [] };
}

/** Whether more than one certificate would be taken for the device's. */
function isUnsure({ connection: { tls }, learntPins }: Reach): boolean {
  return tls.mode === "pinned" && learntPins.length > 0 && new Set([...tls.sha256, ...learntPins]).size > 1;
}
