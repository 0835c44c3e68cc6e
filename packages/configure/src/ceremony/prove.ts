/** Sets of shares that this host does not know: anybody may have made them, of any secret. */
import type { AdminSecrets } from "../admin-secrets.ts";
import { ConfigureError } from "../errors.ts";
import { requireNone, tryEach } from "../every-device.ts";
import { administrate, meeting } from "../flows/each-device.ts";
import { meet } from "../meet.ts";
import { connectionsOf, type Site } from "../site.ts";
import { StateFiles } from "../state-files.ts";

/** The device that leads answers to some secret, and so not to any. Throws ConfigureError (conflict). */
export async function requireInUse({ config, place, connect }: Site): Promise<void> {
  const [leader] = connectionsOf(config);
  const { device, state } = await meet(leader, new StateFiles(place), connect);
  device.close();
  if (state !== "Unprovisioned") return;
  throw new ConfigureError("conflict", `${leader.url} is new, and this host does not know the set of these shares`, {
    hint: "a new device gets a new secret: fetch the shares that wait for their holders",
  });
}

/** Every device that is in use answers to this secret. Throws ConfigureError (out-of-reach, left-out). */
export async function prove(site: Site, secrets: AdminSecrets): Promise<void> {
  const problems = await tryEach(site.config.connections, (connection) =>
    meeting(site, secrets, connection, async (met) => {
      if (met.state !== "Unprovisioned") await administrate(site, met);
    }),
  );
  requireNone(problems);
}
