import { leadingAdministrator } from "./desired.ts";
import { unlock } from "./enter.ts";
import type { Run } from "./run.ts";
import { temporaryBackupUser } from "./temporary-user.ts";

/**
 * Makes an Operational device what the leader was when the kept backup was made; what is the device's own (network, TLS,
 * logging, clock) stays. The backup is proved already. Afterwards the leader's passphrases are in force here too.
 */
export async function restoreFromLeader(run: Run): Promise<void> {
  const { backupPassphrase, administrators } = run.requireAdminCredentials();
  await run.as(leadingAdministrator).system.restore({ backup: run.backups.open(), backupPassphrase });
  for (const [user, passphrase] of administrators) run.learn(user, passphrase);
  // Another domain key came with it, unless this is where it came from.
  if ((await run.device.health.state()) === "Locked") await unlock(run);
  const { users } = run.as(leadingAdministrator);
  const temporary = temporaryBackupUser(run.desired);
  if ((await users.list()).includes(temporary)) await users.delete(temporary);
}
