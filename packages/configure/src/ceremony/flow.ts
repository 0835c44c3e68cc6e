import { writeFileAtomic } from "@signstar/host/atomic-file";
import { toUtf8 } from "@signstar/primitives/bytes";
import { formatIntent, type Intent } from "@signstar/secret-sharing/intent";
import type { AdminSecrets } from "../admin-store.ts";
import { ConfigureError } from "../errors.ts";
import { isPending, planText } from "../report.ts";
import { applySite, planSite, type Site } from "../site.ts";

/** Does what the holders want. Returns a sentence on how it went. */
export async function perform(site: Site, secrets: AdminSecrets, intent: Intent): Promise<string> {
  switch (intent.kind) {
    case "apply":
      await applySite(site, secrets, { rotate: true });
      return "the devices are as the configuration says";
    case "plan": {
      const devices = await planSite(site, secrets);
      writeFileAtomic(site.place.paths.plan, toUtf8(planText(devices)), { mode: 0o644, ...site.place.owner });
      return devices.some(isPending) ? "the plan is written, something is to be done" : "nothing is to be done";
    }
    default:
      throw new ConfigureError("not-supported", `${formatIntent(intent)} is not supported by this release`);
  }
}
