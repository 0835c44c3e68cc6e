import { type Done, requireNoConflict } from "./apply.ts";
import { type Change, describe } from "./change.ts";
import { ConfigureError } from "./errors.ts";
import type { Meeting } from "./meet.ts";
import { perform } from "./perform.ts";
import type { Plan } from "./plan.ts";
import { type Leader, planFollower } from "./plan-follower.ts";
import { readActual } from "./read-actual.ts";
import type { Run } from "./run.ts";

export interface Following {
  readonly leader: Leader;
  /** Sees to it that the kept backup is one of the leader as it is now. */
  backup(): Promise<void>;
  readonly done: Done;
}

/** What differs on a device that follows. Changes nothing. */
export async function planToFollow(run: Run, meeting: Meeting, leader: Leader): Promise<Plan> {
  // Where it is known that there will be a restore, the passphrases need not be tried one after the other.
  return planFollower(
    run.desired,
    leader,
    await readActual(run, meeting, { passphrases: leader.reasons.length === 0 }),
  );
}

/**
 * Makes a device what the leader is, unless it is. When it resolves, the device holds the leader's keys and has answered
 * with every passphrase that is in force. Throws ConfigureError: conflict if a key would be lost, left-out if the device
 * differs all the same; and what the way to the device throws.
 */
export async function follow(run: Run, meeting: Meeting, { leader, backup, done }: Following): Promise<void> {
  const first = await planToFollow(run, meeting, leader);
  requireNoConflict(first);
  const make = async (changes: readonly Change[]) => {
    for (const change of changes) {
      if (change.kind === "restore-from-leader") await backup();
      await perform(run, change);
      done(change);
    }
  };
  const opening = first.changes.filter(({ kind }) => openingKinds.includes(kind));
  await make(opening);
  const rest = opening.length === 0 ? first : await planOpened(run, leader, first);
  requireNoConflict(rest);
  await make(rest.changes);
  if (rest.changes.length > 0) await requireLikeness(run, leader);
}

const openingKinds: readonly Change["kind"][] = ["trust-certificate", "provision", "unlock"];

/** The reasons of before hold: nothing has been done about them yet. */
async function planOpened(run: Run, leader: Leader, before: Plan): Promise<Plan> {
  const reasons = before.changes.flatMap((change) => (change.kind === "restore-from-leader" ? change.reasons : []));
  const { device } = run;
  return planToFollow(run, { device, state: await device.health.state(), firstPin: undefined }, { ...leader, reasons });
}

async function requireLikeness(run: Run, leader: Leader): Promise<void> {
  const { device } = run;
  const meeting = { device, state: await device.health.state(), firstPin: undefined };
  const { changes, conflicts } = await planToFollow(run, meeting, { ...leader, reasons: [] });
  const problems = [...conflicts, ...changes.map(describe)];
  if (problems.length === 0) return;
  throw new ConfigureError("left-out", `it differs although it was restored: ${problems.join("; ")}`, {
    hint: "signatures are made on the other devices; look into this one",
  });
}
