import { removeFile, writeFileAtomic } from "@signstar/host/atomic-file";
import { toUtf8 } from "@signstar/primitives/bytes";
import type { Intent } from "@signstar/secret-sharing/intent";
import type { AdminSecrets } from "../admin-secrets.ts";
import { applySite } from "../apply-site.ts";
import { ConfigureError } from "../errors.ts";
import { factoryResetSite, rebootSite, shutdownSite, unlockSite } from "../flows/power.ts";
import { restoreSite } from "../flows/restore.ts";
import { updateSite } from "../flows/update.ts";
import { planSite } from "../plan-site.ts";
import { isPending, planText } from "../report.ts";
import type { Site } from "../site.ts";

/** Does what the holders want. Returns a sentence on how it went. */
export async function perform(site: Site, secrets: AdminSecrets, intent: Intent): Promise<string> {
  // It says what would be done now: nobody is to decide by one of before.
  if (intent.kind !== "unlock") removeFile(site.place.paths.plan);
  switch (intent.kind) {
    case "apply":
      await applySite(site, secrets, { rotate: true });
      return "the devices are as the configuration says";
    case "plan": {
      const devices = await planSite(site, secrets);
      writeFileAtomic(site.place.paths.plan, toUtf8(planText(devices)), { mode: 0o644, ...site.place.owner });
      return devices.some(isPending) ? "the plan is written, something is to be done" : "nothing is to be done";
    }
    case "unlock":
      await unlockSite(site, secrets);
      return "the devices are unlocked";
    case "reboot":
      await rebootSite(site, secrets);
      return "the devices have restarted";
    case "shutdown":
      await shutdownSite(site, secrets);
      return "the devices shut down";
    case "factory-reset":
      await factoryResetSite(site, secrets);
      return "nothing is left on the devices";
    case "restore":
      await restoreSite(site, secrets, intent);
      return "the backup is restored, and the devices are as the configuration says";
    case "update": {
      const { version, releaseNotes } = await updateSite(site, secrets, intent);
      return `the devices run ${version}${releaseNotes === "" ? "" : `: ${releaseNotes}`}`;
    }
  }
}

/**
 * Whether an intent is followed again, without anybody's word, after a failure that time may mend. What restarts or
 * erases devices is not: one after the other would suffer it every few minutes, as long as another is away.
 */
export function isRepeated(intent: Intent, thrown: unknown): boolean {
  switch (intent.kind) {
    case "restore":
    case "update":
      // Some device has been restored or updated, and another is away, or is not as it should be afterwards.
      return !(thrown instanceof ConfigureError);
    default:
      return !isForOnce(intent);
  }
}

/** Whether an intent is not followed again after an interruption either. */
export function isForOnce({ kind }: Intent): boolean {
  return kind === "reboot" || kind === "shutdown" || kind === "factory-reset";
}
