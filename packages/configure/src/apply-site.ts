import { type AdminSecrets, type AdminStore, HeldSecrets } from "./admin-secrets.ts";
import { type ApplyOptions, applyToLeader, type Done, type Led, requireNoConflict, settle } from "./apply.ts";
import { applySettings, requireSettingsPossible } from "./device-settings.ts";
import { eldersOf } from "./elders.ts";
import { type Problem, requireNone, tryEach } from "./every-device.ts";
import { follow } from "./follow.ts";
import { keepBackup } from "./keep-backup.ts";
import { KeptBackups } from "./kept-backups.ts";
import { type Leader, reasonsToFollow } from "./plan-follower.ts";
import { readActual } from "./read-actual.ts";
import type { Run } from "./run.ts";
import { connectionsOf, type Site } from "./site.ts";
import { withDevice } from "./with-device.ts";

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

/** As `applySite`, with the admin credentials that this host keeps; it makes and extends them as well. */
export async function applyWithStore(site: Site, store: AdminStore, options: ApplyOptions): Promise<void> {
  await applyOnce(site, store, options);
  const secrets = await store.read();
  // A rotation that was under way for an earlier iteration had to be finished first.
  if (secrets?.current.iteration !== site.config.iteration) await applyOnce(site, store, { rotate: false });
  new KeptBackups(site.place, site.desired).endRestore();
}

/** The leader, its settings, a backup of it, the devices that follow; only then is forgotten what was in force before. */
export async function applyOnce(site: Site, store: AdminStore, options: ApplyOptions): Promise<void> {
  const [first] = connectionsOf(site.config);
  const done: Done = (change) => site.done(first.url, change);
  const led = await withDevice(site, store, first, async (run, meeting) => {
    requireNoConflict({ conflicts: await eldersOf(site, meeting) });
    await requireSettingsPossible(site, run, meeting.state, first);
    return applyToLeader(run, meeting, options, done);
  });
  await applySettings(site, store, { network: false });
  const problems = await conclude(site, store, led, done);
  // Nobody may reach the device at this URL afterwards.
  await applySettings(site, store, { network: true });
  requireNone(problems);
}

async function conclude(site: Site, store: AdminStore, led: Led, done: Done): Promise<readonly Problem[]> {
  const [first, ...others] = connectionsOf(site.config);
  const isDone = led.settling.length === 0 && led.run.unsettled.size === 0 && !led.run.backups.isDue();
  if (isDone && others.length === 0) return [];
  // Its certificate may be another than before.
  return withDevice(site, store, first, async (met) => {
    const run = met.after(led.run);
    let isKept = false;
    const backup = async () => {
      if (!isKept) await keepBackup(run);
      isKept = true;
    };
    if (run.backups.isDue()) {
      await backup();
      done({ kind: "keep-backup" });
    }
    const problems = others.length === 0 ? [] : await followAll(site, store, await leaderOf(run, led), backup);
    if (problems.length === 0) await settle(run, led, done);
    return problems;
  });
}

async function leaderOf(run: Run, led: Led): Promise<Leader> {
  const { contents } = await readActual(run, { state: "Operational" }, { passphrases: false });
  return { contents, reasons: reasonsToFollow(led) };
}

function followAll(
  site: Site,
  store: AdminStore,
  leader: Leader,
  backup: () => Promise<void>,
): Promise<readonly Problem[]> {
  const [, ...others] = connectionsOf(site.config);
  return tryEach(others, (connection) => {
    const done: Done = (change) => site.done(connection.url, change);
    return withDevice(site, store, connection, (run, meeting) => follow(run, meeting, { leader, backup, done }));
  });
}
