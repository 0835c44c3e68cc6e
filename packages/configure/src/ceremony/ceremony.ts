/**
 * What the holders of shares and this host do together. Each step looks at what lies in the directories and may be
 * interrupted anywhere: the next one finds out again where things stand.
 */
import type { Site } from "../site.ts";
import { Hall, type Tell } from "./hall.ts";
import { hear } from "./hear.ts";
import { handerKeys, type Sharing } from "./holders.ts";
import { beginFirst, finishConfirmed, reviewPending } from "./pending.ts";

/**
 * Does all that is to be done now, and talks to no device if that is nothing. What arrives meanwhile is seen too: while
 * this runs, nobody watches. Throws what the failed step has thrown.
 */
export async function holdCeremonies(site: Site, sharing: Sharing, tell: Tell): Promise<void> {
  while (await step(new Hall(site, sharing, tell)));
}

/** Returns whether something was done. */
async function step(hall: Hall): Promise<boolean> {
  const { site, sharing } = hall;
  hall.shares.prepare(sharing.holders, handerKeys(site.config));
  reviewPending(hall);
  // For those who look, also where nothing is new: after a boot the file is not there.
  hall.update({});
  if (await finishConfirmed(hall)) return true;
  if ((await hear(hall)) === "followed") return true;
  if (hall.state.pending !== undefined || hall.live.length > 0) return false;
  return beginFirst(hall);
}
