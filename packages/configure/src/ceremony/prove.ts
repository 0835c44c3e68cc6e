import type { AdminSecrets } from "../admin-store.ts";
import { ConfigureError } from "../errors.ts";
import { administrate, meeting } from "../flows/each-device.ts";
import { connectionsOf, type Site } from "../site.ts";

/**
 * For the secret of a set that this host does not know, and that anybody may have made: the device that leads has to
 * answer to it. Throws ConfigureError: conflict if the device is new and answers to none, credentials-refused.
 */
export async function prove(site: Site, secrets: AdminSecrets): Promise<void> {
  const [leader] = connectionsOf(site.config);
  await meeting(site, secrets, leader, async (met) => {
    if (met.state !== "Unprovisioned") return administrate(site, met);
    throw new ConfigureError("conflict", `${leader.url} is new, and this host does not know the set of these shares`, {
      hint: "a new device gets a new secret: fetch the shares that wait for their holders",
    });
  });
}
