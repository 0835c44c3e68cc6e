import type { Change } from "./change.ts";
import { ConfigureError } from "./errors.ts";
import type { Meeting } from "./meet.ts";
import { perform } from "./perform.ts";
import { type Plan, plan, planContents, planOpening } from "./plan.ts";
import { readActual } from "./read-actual.ts";
import type { Run } from "./run.ts";

/** What differs between what should be and one device with this host. Changes nothing. */
export async function planDevice(run: Run, { state, firstPin }: Meeting): Promise<Plan> {
  return plan(run.desired, await readActual(run, state, firstPin));
}

/**
 * Makes the device and this host what they should be. Interrupted, it leaves something from which the next run
 * finishes. Nothing is changed if there is a conflict (ConfigureError).
 */
export async function applyToDevice(
  run: Run,
  { state, firstPin }: Meeting,
  done: (change: Change) => void,
): Promise<void> {
  const actual = await readActual(run, state, firstPin);
  requireNoConflict(plan(run.desired, actual));
  const opening = planOpening(run.desired, actual);
  await performAll(run, opening, done);
  // An open device may show more than the closed one could tell.
  const { contents } = opening.length === 0 ? actual : await readActual(run, await run.device.health.state());
  if (contents === undefined) throw new ConfigureError("device-failed", "the device did not become operational");
  const rest = planContents(run.desired, contents);
  requireNoConflict(rest);
  await performAll(run, rest.changes, done);
}

async function performAll(run: Run, changes: readonly Change[], done: (change: Change) => void): Promise<void> {
  for (const change of changes) {
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
