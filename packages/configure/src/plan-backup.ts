import { leadingAdministrator } from "./desired.ts";
import type { Planning } from "./planning.ts";

/**
 * A device does not tell whether it has a backup passphrase. Only Backup users need it, so it is set right before one
 * is made: where all of them exist, it is set.
 */
export function planBackupPassphrase({ desired, contents, changes }: Planning): void {
  const missing = desired.users.some(({ id, role }) => role === "Backup" && contents.users.get(id)?.role !== "Backup");
  if (missing) changes.push({ kind: "set-backup-passphrase", as: leadingAdministrator });
}
