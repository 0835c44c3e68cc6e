/**
 * Desired × actual → the steps between them, in an order that may be interrupted after any of them: what is left is
 * planned again and leads to the same end. Pure. Rights are taken away before others are given, a namespace gets its
 * administrator before it exists (afterwards nobody could make one), a key is never without its tag, and an Operator
 * is there before the certificate that needs its signature.
 */
import type { Actual, Contents } from "./actual.ts";
import type { Change } from "./change.ts";
import { administratorsOf, type Desired } from "./desired.ts";
import { planAdministrators, planNewNamespaces } from "./plan-administrators.ts";
import { planBackupPassphrase } from "./plan-backup.ts";
import { planCertificates } from "./plan-certificates.ts";
import { planKeyRemoval, planKeys } from "./plan-keys.ts";
import { planNames } from "./plan-names.ts";
import { planRemovals } from "./plan-removals.ts";
import { planUsers } from "./plan-users.ts";
import { planning } from "./planning.ts";

export interface Plan<C = Change> {
  readonly changes: readonly C[];
  /** What no change of ours can mend: nothing is applied while there is one. */
  readonly conflicts: readonly string[];
  /** What is left as it is, on purpose. */
  readonly notes: readonly string[];
}

/** Of the same device. */
export function joined<A, B>(first: Plan<A>, then: Plan<B> | undefined): Plan<A | B> {
  if (then === undefined) return first;
  return {
    changes: [...first.changes, ...then.changes],
    conflicts: [...first.conflicts, ...then.conflicts],
    notes: [...first.notes, ...then.notes],
  };
}

export function plan(desired: Desired, actual: Actual): Plan {
  const opening = planOpening(desired, actual);
  if (actual.contents === undefined) {
    return { changes: opening, conflicts: [], notes: ["what else differs is known when the device is unlocked"] };
  }
  const { changes, conflicts, notes } = planContents(desired, actual.contents);
  return { changes: [...opening, ...changes], conflicts, notes };
}

/** The steps that make the device Operational, and us able to log in. */
export function planOpening(desired: Desired, actual: Actual): Change[] {
  const changes: Change[] = [];
  if (actual.firstPin !== undefined) changes.push({ kind: "trust-certificate", sha256: actual.firstPin });
  const known = actual.adminCredentials;
  const administrators = administratorsOf(desired);
  const users = administrators.filter((user) => known === undefined || !known.has(user));
  if (users.length > 0) changes.push({ kind: "write-admin-credentials", users });
  if (actual.state === "Unprovisioned") changes.push({ kind: "provision" });
  if (actual.state === "Locked") changes.push({ kind: "unlock" });
  return changes;
}

/** The steps on an Operational device. */
export function planContents(desired: Desired, contents: Contents): Plan {
  const context = planning(desired, contents);
  planNames(context);
  planAdministrators(context);
  planRemovals(context);
  planNewNamespaces(context);
  planKeys(context);
  planBackupPassphrase(context);
  planUsers(context);
  planCertificates(context);
  planKeyRemoval(context);
  return { changes: context.changes, conflicts: context.conflicts, notes: context.notes };
}
