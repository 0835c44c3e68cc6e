/**
 * A set of shares from its making until its secret is in force: two phases, so that no secret counts that its holders do
 * not have.
 */
import type { PendingSet } from "@signstar/host/ceremony-state";
import { NetHsmError } from "@signstar/nethsm/errors";
import { Exit } from "@signstar/primitives/failure";
import type { Secret } from "@signstar/primitives/secret";
import { makeAdminCredentials } from "../admin-credentials.ts";
import { applySite } from "../apply-site.ts";
import { nextAdministrators } from "../desired.ts";
import { meet } from "../meet.ts";
import type { Site } from "../site.ts";
import { StateFiles } from "../state-files.ts";
import { Opened, sealCredentials, shareOut, wipeCredentials } from "./admin-secret.ts";
import type { Hall } from "./hall.ts";
import { keptSecret } from "./kept-secret.ts";

/** Shares that wait too long or in vain are taken back; confirmations are counted. */
export function reviewPending(hall: Hall): void {
  const { pending, sets } = hall.state;
  if (pending === undefined) {
    // A run died between making a set and announcing it: nobody has confirmed a share of it.
    if (!hall.memory.isEmpty) hall.forget();
    return;
  }
  const known = sets.find(({ set }) => set === pending.set);
  if (known?.standing === "in-force") {
    conclude(hall, pending);
    return;
  }
  using remembered = hall.memory.read();
  if (remembered === undefined) drop(hall, pending, "the secret is not in memory any more");
  else if (hall.site.now() > pending.deadline) drop(hall, pending, "the time for it is over");
  else if (known?.standing === "void") drop(hall, pending, "another set is in force");
  else if (known === undefined && !(hall.isWanted(pending) && fits(hall, remembered.next))) {
    drop(hall, pending, "the configuration asks for another set now");
  } else countConfirmations(hall, { ...pending, deadline: earlier(pending.deadline, deadlineFrom(hall.site)) });
}

function deadlineFrom({ now, config }: Site): Date {
  return new Date(now().getTime() + config.appliance.shareTimeoutMs);
}

/** A clock that was put back, or a shorter time in the configuration, does not make a secret wait longer. */
function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

/** Another administrator may have come into the configuration since it was made. */
function fits(hall: Hall, next: Secret): boolean {
  using secrets = new Opened(next, undefined);
  return hall.covers(secrets.current);
}

function drop(hall: Hall, { set }: PendingSet, why: string): void {
  const confirmed = hall.live.some((each) => each.set === set);
  const others = hall.live.filter((each) => each.set !== set);
  hall.forget();
  const needed = others.length === 0 ? "its shares are" : "shares of both sets are";
  const rest = confirmed ? `it goes on when ${needed} handed in` : "its shares are void";
  hall.end({ intent: "apply", outcome: confirmed ? "failed" : "void", message: `set ${set}: ${why}; ${rest}` });
}

function countConfirmations(hall: Hall, pending: PendingSet): void {
  const holders = pending.holders.map((holder) => {
    const { user, fingerprint } = holder;
    const known = hall.sharing.holders.find((each) => each.fingerprint === fingerprint);
    const confirmed = holder.confirmed || (known && hall.shares.confirmation(known)) === holder.share;
    if (confirmed && !holder.confirmed) {
      hall.tell("share-confirmed", `${fingerprint} has confirmed its share`, { user, fingerprint, set: pending.set });
    }
    return { ...holder, confirmed };
  });
  hall.update({ pending: { ...pending, holders } });
  if (!holders.every(({ confirmed }) => confirmed) || hall.isConfirmed(pending)) return;
  const { set, iteration, threshold, numberOfShares, digest } = pending;
  const fingerprints = holders.map(({ fingerprint }) => fingerprint);
  // Before any device gets the secret it is known on disk that this set is needed.
  hall.know({ set, iteration, threshold, numberOfShares, digest, standing: "confirmed", holders: fingerprints });
  hall.tell("set-confirmed", `every holder has a share of set ${set}`, { set });
}

/** Gives the devices a secret that every holder has a share of. Returns whether there was one. */
export async function finishConfirmed(hall: Hall): Promise<boolean> {
  const { pending } = hall.state;
  if (pending === undefined || !hall.isConfirmed(pending)) return false;
  using remembered = hall.memory.read();
  if (remembered === undefined) return false;
  using secrets = new Opened(remembered.next, remembered.current);
  const apply = async () => {
    hall.requireCovered(secrets.current);
    await applySite(hall.site, secrets, { rotate: secrets.previous !== undefined });
  };
  // In memory until the deadline, whatever goes wrong: no share has to be handed in again.
  await hall.attempt("apply", apply, { repeats: () => true, giveUp: () => undefined });
  conclude(hall, pending);
  return true;
}

function conclude(hall: Hall, { set }: PendingSet): void {
  hall.putInForce(set);
  hall.forget();
  hall.end({ intent: "apply", outcome: "done", message: `set ${set} is in force` });
}

/** Makes a new secret and lays out its shares. `current` is the sealed one that the devices answer to. */
export async function beginSet(hall: Hall, current: Secret | undefined): Promise<void> {
  hall.forget();
  const { site, sharing } = hall;
  const { iteration, threshold } = sharing;
  using before = current && new Opened(current, undefined);
  const known = before?.current.administrators.keys() ?? [];
  const credentials = makeAdminCredentials(iteration, nextAdministrators(site.desired, known));
  using next = sealCredentials(credentials);
  wipeCredentials(credentials);
  const { set, digest, offers } = await shareOut(next, sharing);
  hall.memory.write({ next, current });
  for (const { holder, file } of offers) {
    hall.shares.offer(holder, file);
    file.fill(0);
  }
  const deadline = deadlineFrom(site);
  const holders = offers.map(({ holder: { user, fingerprint }, sha256 }) => {
    return { user, fingerprint, share: sha256, confirmed: false };
  });
  hall.update({ pending: { set, iteration, threshold, numberOfShares: offers.length, digest, deadline, holders } });
  const text = `${offers.length} shares of set ${set} wait for their holders until ${deadline.toISOString()}`;
  hall.tell("set-pending", text, { set, threshold, number_of_shares: offers.length });
}

/**
 * For a host that knows no set of shares: devices that nobody has a secret with are given one, and credentials that
 * this host has kept until now give way to one. Returns whether shares wait now.
 */
export async function beginFirst(hall: Hall): Promise<boolean> {
  const taken = await takenDevice(hall.site);
  using kept = await keptSecret(hall.site.place);
  if (taken !== undefined && kept === undefined) {
    hall.tell("no-set", `${taken}, and this host knows no set of shares: hand some in`);
    return false;
  }
  await beginSet(hall, kept);
  return true;
}

/** A device that answers to some secret: with another one in force, this host would not take the shares of that. */
async function takenDevice({ config, place, connect }: Site): Promise<string | undefined> {
  const [leader] = config.connections;
  for (const connection of config.connections) {
    try {
      const { device, state } = await meet(connection, new StateFiles(place), connect);
      device.close();
      if (state !== "Unprovisioned") return `${connection.url} is ${state}`;
    } catch (thrown) {
      // What follows may be away.
      if (connection === leader || !(thrown instanceof NetHsmError) || thrown.exit !== Exit.unavailable) throw thrown;
    }
  }
  return undefined;
}
