/**
 * A device that follows: it becomes what the leader is by the leader's backup, and by nothing else. A restore deletes
 * whatever the backup does not have, so a key that the leader does not hold is in the way of it.
 */
import { formatKeyRef } from "@signstar/config/key-ref";
import type { UserId } from "@signstar/nethsm/ids";
import type { Actual, Contents, HeldKey } from "./actual.ts";
import { type Change, describe } from "./change.ts";
import { type Desired, isRemoved, leadingAdministrator } from "./desired.ts";
import { type Plan, planContents } from "./plan.ts";
import { planAdministrators } from "./plan-administrators.ts";
import { planNames } from "./plan-names.ts";
import { noRotation, planning, type Rotation } from "./planning.ts";
import { temporaryBackupUser } from "./temporary-user.ts";

export interface Leader {
  /** Undefined as long as it does not show any. */
  readonly contents: Contents | undefined;
  /** Why every follower has to be restored, whatever it holds: what has changed, or is going to. */
  readonly reasons: readonly string[];
}

/** What is known before a follower is looked at. */
export function reasonsToFollow(led: { readonly touched: boolean; readonly rotation: Rotation }): string[] {
  if (led.rotation.admins) return ["the administrators' passphrases are others"];
  return led.touched ? ["the first device has changed"] : [];
}

export function planFollower(desired: Desired, leader: Leader, actual: Actual): Plan {
  const changes: Change[] = [];
  const { state, firstPin, contents } = actual;
  if (firstPin !== undefined) changes.push({ kind: "trust-certificate", sha256: firstPin });
  if (state === "Unprovisioned") changes.push({ kind: "provision" });
  if (state === "Locked") changes.push({ kind: "unlock" });
  const reasons = [...(state === "Unprovisioned" ? ["it is new"] : []), ...leader.reasons];
  const conflicts: string[] = [];
  const notes: string[] = [];
  if (state === "Operational" && contents !== undefined) {
    conflicts.push(...inTheWay(desired, leader, contents));
    if (reasons.length === 0) reasons.push(...differences(desired, leader, contents));
    if (leader.contents === undefined) notes.push("whether it is as the first device is known when that is unlocked");
  } else if (reasons.length === 0) {
    notes.push("what else differs is known when the device is unlocked");
  }
  if (reasons.length > 0) changes.push({ kind: "restore-from-leader", reasons });
  const left = temporaryBackupUser(desired);
  if (reasons.length === 0 && contents?.users.has(left)) {
    changes.push({ kind: "remove-user", as: leadingAdministrator, user: left });
  }
  return { changes, conflicts, notes };
}

/** What a restore would destroy, or could not bring. */
function inTheWay(desired: Desired, leader: Leader, contents: Contents): string[] {
  const context = planning(desired, contents, noRotation);
  planNames(context);
  planAdministrators(context);
  const conflicts = [...context.conflicts];
  if (leader.contents === undefined) return conflicts;
  const removed = new Set(desired.removal.keys.map(formatKeyRef));
  const leading = heldKeys(leader.contents);
  for (const [label, { key, publicKey }] of heldKeys(contents)) {
    const isListed = removed.has(label) || (key.namespace !== undefined && isRemoved(desired, key.namespace));
    const other = leading.get(label);
    if (other === undefined) {
      if (isListed || desired.removal.everything) continue;
      conflicts.push(`key ${label} is not on the first device, and a restore of its backup would delete it`);
    } else if (other.publicKey !== publicKey) {
      conflicts.push(`key ${label} is another than on the first device: no key is replaced`);
    }
  }
  const wanted = new Set(desired.namespaces.map(({ id }) => id));
  for (const namespace of contents.namespaces) {
    if (wanted.has(namespace) || isRemoved(desired, namespace)) continue;
    if (leader.contents.namespaces.has(namespace)) continue;
    conflicts.push(`namespace ${namespace} is not on the first device, and a restore of its backup would delete it`);
  }
  return conflicts;
}

/** In words; none if the device is what the leader is and the configuration says. */
function differences(desired: Desired, leader: Leader, contents: Contents): string[] {
  const { changes, conflicts } = planContents(desired, without(contents, temporaryBackupUser(desired)));
  const problems = [...changes.map(describe), ...conflicts];
  if (leader.contents === undefined) return problems;
  const own = summary(desired, contents);
  const others = summary(desired, leader.contents);
  const words = [...new Set([...own.keys(), ...others.keys()])].filter((what) => own.get(what) !== others.get(what));
  return [...problems, ...words.map((what) => `${what} is not as on the first device`)];
}

function without(contents: Contents, user: UserId): Contents {
  return { ...contents, users: new Map([...contents.users].filter(([id]) => id !== user)) };
}

/** What two devices must have in common, as text that can be compared. */
function summary(desired: Desired, contents: Contents): Map<string, string> {
  const temporary = temporaryBackupUser(desired);
  const users = [...contents.users].filter(([id]) => id !== temporary);
  return new Map([
    ...users.map(([id, { role, tags }]) => [`user ${id}`, JSON.stringify([role, [...tags].sort()])] as const),
    ...[...contents.namespaces].map((id) => [`namespace ${id}`, ""] as const),
    ...[...heldKeys(contents)].map(([label, { publicKey }]) => [`key ${label}`, publicKey] as const),
  ]);
}

function heldKeys(contents: Contents): Map<string, HeldKey> {
  return new Map<string, HeldKey>([...contents.keys, ...contents.otherKeys]);
}
