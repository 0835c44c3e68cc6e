import { leadingAdministrator } from "./desired.ts";
import type { Planning } from "./planning.ts";

/** A device does not tell which unlock passphrase it has: while another may be in force, it is set again. */
export function planUnlockPassphrase({ rotation, changes }: Planning): void {
  if (rotation.admins) changes.push({ kind: "set-unlock-passphrase", as: leadingAdministrator });
}

/**
 * A device does not tell whether it has a backup passphrase. Only Backup users need it, so it is set right before one
 * is made: where all of them exist, it is set. Who makes a backup without a mapping for it sets it where it is missing.
 */
export function planBackupPassphrase({ desired, contents, changes, rotation }: Planning): void {
  const missing = desired.users.some(({ id, role }) => role === "Backup" && contents.users.get(id)?.role !== "Backup");
  if (missing || rotation.admins) changes.push({ kind: "set-backup-passphrase", as: leadingAdministrator });
}
