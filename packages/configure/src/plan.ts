/**
 * Desired × actual → the steps between them, in an order that may be interrupted after any of them: what is left is
 * planned again and leads to the same end. Pure. Rights are taken away before others are given, a namespace gets its
 * administrator before it exists (afterwards nobody could make one), a key is never without its tag, and an Operator
 * is there before the certificate that needs its signature. Nothing that may still be in force is forgotten before all
 * else is done.
 */
import type { Actual, ActualUser, Contents } from "./actual.ts";
import { type AnyChange, type Change, touchesDevice } from "./change.ts";
import { administratorsOf, type Desired, nextAdministrators } from "./desired.ts";
import { planAdministrators, planNewNamespaces } from "./plan-administrators.ts";
import { planBackupPassphrase, planUnlockPassphrase } from "./plan-backup.ts";
import { planCertificates } from "./plan-certificates.ts";
import { planKeyRemoval, planKeys } from "./plan-keys.ts";
import { planNames } from "./plan-names.ts";
import { planRemovals } from "./plan-removals.ts";
import { planSettling, planUsers } from "./plan-users.ts";
import { noRotation, planning, type Rotation } from "./planning.ts";
import { isInBackup, type SettingChange } from "./setting-change.ts";

export interface Plan<C = Change> {
  readonly changes: readonly C[];
  /** What no change of ours can mend: nothing is applied while there is one. */
  readonly conflicts: readonly string[];
  /** What is left as it is, on purpose. */
  readonly notes: readonly string[];
}

/** Of the device that leads. */
export function plan(desired: Desired, actual: Actual, { rotateUsers = false } = {}): Plan {
  const opening = planOpening(desired, actual);
  const rotation = rotationOf(actual, rotateUsers);
  const contents = afterOpening(desired, actual);
  if (contents === undefined) {
    const changes = [...opening, ...planClosing(desired, { actual, contents, rotation, made: [] })];
    return { changes, conflicts: [], notes: ["what else differs is known when the device is unlocked"] };
  }
  const { changes, conflicts, notes } = planContents(desired, contents, rotation);
  const made = [...opening, ...changes];
  return { changes: [...made, ...planClosing(desired, { actual, contents, rotation, made })], conflicts, notes };
}

export function rotationOf({ secrets }: Pick<Actual, "secrets">, users: boolean): Rotation {
  return { users, admins: secrets !== undefined && secrets.standing !== "in-force" };
}

/** The steps that make the device Operational, and us able to log in. */
export function planOpening(desired: Desired, actual: Actual): Change[] {
  const changes: Change[] = [];
  const { secrets, state, firstPin } = actual;
  if (firstPin !== undefined) changes.push({ kind: "trust-certificate", sha256: firstPin });
  const administrators = administratorsOf(desired);
  const missing = administrators.filter((user) => !secrets?.administrators.has(user));
  if (secrets?.standing === "outdated") {
    const users = nextAdministrators(desired, secrets.administrators);
    changes.push({ kind: "write-admin-credentials", users, why: "iteration" });
  } else if (missing.length > 0) {
    changes.push({ kind: "write-admin-credentials", users: missing, why: "administrators" });
  }
  if (state === "Unprovisioned") changes.push({ kind: "provision" });
  if (state === "Locked") changes.push({ kind: "unlock" });
  return changes;
}

/** What an open device holds once the opening is done: passphrases made anew are those before on the device. */
export function afterOpening(desired: Desired, { contents, secrets }: Actual): Contents | undefined {
  if (contents === undefined || secrets?.standing !== "outdated") return contents;
  const wanted = new Set(administratorsOf(desired));
  const users = [...contents.users].map(([id, user]): [typeof id, ActualUser] => {
    const isKnown = user.role === "Administrator" && (wanted.has(id) || secrets.administrators.has(id));
    return [id, isKnown && user.passphrase === "accepted" ? { ...user, passphrase: "previous" } : user];
  });
  return { ...contents, users: new Map(users) };
}

/** The steps on an Operational device. */
export function planContents(desired: Desired, contents: Contents, rotation: Rotation = noRotation): Plan {
  const context = planning(desired, contents, rotation);
  planNames(context);
  planUnlockPassphrase(context);
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

/** What is done last: a backup is kept, and what was in force before is forgotten. */
export function planClosing(
  desired: Desired,
  about: {
    readonly actual: Pick<Actual, "backup" | "secrets">;
    readonly contents: Contents | undefined;
    readonly rotation: Rotation;
    /** The changes before. */
    readonly made: readonly Change[];
  },
): Change[] {
  const { actual, contents, rotation, made } = about;
  const isDue = actual.backup === "due" || made.some(touchesDevice);
  return [...(isDue ? [keepBackup] : []), ...planSettlings(desired, actual, contents, rotation)];
}

const keepBackup: Change = { kind: "keep-backup" };

/** What is forgotten when every device has answered with what is in force now. */
export function planSettlings(
  desired: Desired,
  { secrets }: Pick<Actual, "secrets">,
  contents: Contents | undefined,
  rotation: Rotation,
): Change[] {
  const changes: Change[] = [];
  if (contents !== undefined) {
    const context = planning(desired, contents, rotation);
    planSettling(context);
    changes.push(...context.changes);
  }
  if (secrets !== undefined && secrets.standing !== "in-force" && !secrets.handedIn) {
    changes.push({ kind: "settle-admin-credentials" });
  }
  return changes;
}

/** With the settings of the device where they are made: before the backup, the network last. */
export function withSettings(leading: Plan, settings: Plan<SettingChange>): Plan<AnyChange> {
  const isLast = ({ kind }: AnyChange) => closingKinds.includes(kind);
  const closing = leading.changes.filter(isLast);
  const others = settings.changes.filter(({ kind }) => kind !== "set-network");
  const isDue = others.some(isInBackup) && !closing.some(({ kind }) => kind === "keep-backup");
  return {
    changes: [
      ...leading.changes.filter((change) => !isLast(change)),
      ...others,
      ...(isDue ? [keepBackup] : []),
      ...closing,
      ...settings.changes.filter(({ kind }) => kind === "set-network"),
    ],
    conflicts: [...leading.conflicts, ...settings.conflicts],
    notes: [...leading.notes, ...settings.notes],
  };
}

const closingKinds: readonly AnyChange["kind"][] = ["keep-backup", "settle-passphrase", "settle-admin-credentials"];
