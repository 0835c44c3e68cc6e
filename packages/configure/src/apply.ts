import { type Change, touchesDevice } from "./change.ts";
import { ConfigureError } from "./errors.ts";
import type { Meeting } from "./meet.ts";
import { perform } from "./perform.ts";
import { afterOpening, type Plan, plan, planContents, planOpening, planSettlings, rotationOf } from "./plan.ts";
import type { Rotation } from "./planning.ts";
import { readActual } from "./read-actual.ts";
import type { Run } from "./run.ts";

export interface ApplyOptions {
  /** Whether every user but the administrators gets a fresh passphrase; a rotation that is under way is finished. */
  readonly rotate: boolean;
}

export type Done = (change: Change) => void;

/** What has become of the leader. */
export interface Led {
  readonly run: Run;
  /** Whether its users, keys or passphrases are others now. */
  readonly touched: boolean;
  readonly rotation: Rotation;
  /** What is left to do when every device has followed. */
  readonly settling: readonly Change[];
}

/**
 * Makes the device that leads, and this host, what they should be. Interrupted, it leaves something
 * from which the next run finishes. Nothing is changed if there is a conflict (ConfigureError).
 */
export async function applyToLeader(run: Run, meeting: Meeting, { rotate }: ApplyOptions, done: Done): Promise<Led> {
  const { desired } = run;
  const actual = await readActual(run, meeting);
  requireNoConflict(plan(desired, actual, { rotateUsers: rotate }));
  const rotation = rotationOf(actual, rotate);
  const opening = planOpening(desired, actual);
  await performAll(run, opening, done);
  // An open device may show more than the closed one could tell.
  const opened = meeting.state === "Operational" ? afterOpening(desired, actual) : await readOpened(run);
  if (opened === undefined) throw new ConfigureError("device-failed", "the device did not become operational");
  const rest = planContents(desired, opened, rotation);
  requireNoConflict(rest);
  await performAll(run, rest.changes, done);
  const touched = [...opening, ...rest.changes].some(touchesDevice);
  return { run, touched, rotation, settling: planSettlings(desired, actual, opened, rotation) };
}

/** To be called when every device has answered with what is in force now. */
export async function settle(run: Run, { settling }: Led, done: Done): Promise<void> {
  for (const user of run.unsettled) await run.passphraseFiles.settle(user);
  await performAll(run, settling, done);
}

/** What a device holds that was Locked or Unprovisioned before. */
async function readOpened(run: Run) {
  const { contents } = await readActual(run, { state: await run.device.health.state() });
  return contents;
}

async function performAll(run: Run, changes: readonly Change[], done: Done): Promise<void> {
  for (const change of changes) {
    if (touchesDevice(change)) run.backups.markDue();
    await perform(run, change);
    done(change);
  }
}

/** Throws ConfigureError (conflict). */
export function requireNoConflict({ conflicts }: Pick<Plan, "conflicts">): void {
  if (conflicts.length === 0) return;
  throw new ConfigureError("conflict", conflicts.join("; "), {
    hint: "nothing was changed; what is on the device must be made to fit the configuration by hand, or the other way round",
  });
}
