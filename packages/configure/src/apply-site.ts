import type { AdminStore } from "./admin-store.ts";
import { type ApplyOptions, applyToLeader, type Done, type Led, requireNoConflict, settle } from "./apply.ts";
import { applySettings, requireSettingsPossible } from "./device-settings.ts";
import { eldersOf } from "./elders.ts";
import { type Problem, requireNone, tryEach } from "./every-device.ts";
import { follow } from "./follow.ts";
import { keepBackup } from "./keep-backup.ts";
import { type Leader, reasonsToFollow } from "./plan-follower.ts";
import { readActual } from "./read-actual.ts";
import type { Run } from "./run.ts";
import { connectionsOf, type Site } from "./site.ts";
import { withDevice } from "./with-device.ts";

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
