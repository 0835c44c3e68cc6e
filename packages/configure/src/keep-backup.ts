/** A backup of the leading device, proved before it is kept. */

import { NetHsmError } from "@signstar/nethsm/errors";
import type { UserId } from "@signstar/nethsm/ids";
import { BackupError } from "@signstar/nethsm-backup/errors";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { messageOf } from "@signstar/primitives/failure";
import { leadingAdministrator } from "./desired.ts";
import { ConfigureError } from "./errors.ts";
import { freshPassphrase } from "./passphrase.ts";
import { setBackupPassphrase } from "./perform-passphrases.ts";
import type { Run } from "./run.ts";
import { temporaryBackupUser } from "./temporary-user.ts";

/**
 * Asks the device for a backup, opens every value of it with both passphrases and keeps it: whole and proved, or not at
 * all. Throws ConfigureError (bad-backup).
 */
export async function keepBackup(run: Run): Promise<void> {
  await takeBackup(run, (stream) => keepStream(run, stream));
  run.backups.settle();
}

/** Has the device make a backup, as a user of the configuration or one that is made for it. */
export async function takeBackup(run: Run, take: (stream: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
  const mapped = run.desired.users.find(({ id, role }) => role === "Backup" && run.knows(id));
  if (mapped !== undefined) await take(await begin(run, mapped.id));
  else await withTemporaryUser(run, async (user) => take(await begin(run, user)));
}

async function withTemporaryUser(run: Run, work: (user: UserId) => Promise<void>): Promise<void> {
  const user = temporaryBackupUser(run.desired);
  const passphrase = freshPassphrase();
  const { users } = run.as(leadingAdministrator);
  const create = () => users.create(user, { realName: "made for one backup", role: "Backup", passphrase });
  run.backups.markDue();
  try {
    await create();
  } catch (thrown) {
    // One was left over, of whose passphrase nobody knows any more.
    if (!(thrown instanceof NetHsmError) || thrown.code !== "conflict") throw thrown;
    await users.delete(user);
    await create();
  }
  run.learn(user, passphrase);
  await work(user);
  await users.delete(user);
}

async function keepStream(run: Run, stream: AsyncIterable<Uint8Array>): Promise<void> {
  const { current } = run.requireSecrets();
  try {
    await run.backups.keep(async (write) => {
      const pieces = (async function* () {
        for await (const piece of stream) {
          write(piece);
          yield piece;
        }
      })();
      await validateBackup(pieces, { backup: current.backupPassphrase, unlock: current.unlockPassphrase });
    });
  } catch (cause) {
    if (!(cause instanceof BackupError)) throw cause;
    throw new ConfigureError("bad-backup", `the device's backup is not kept: ${messageOf(cause)}`, {
      cause,
      hint: "the backup before is still there; run it again",
    });
  }
}

/** A device without a backup passphrase gets it now. */
async function begin(run: Run, user: UserId): Promise<AsyncIterable<Uint8Array>> {
  try {
    return await run.as(user).system.backup();
  } catch (thrown) {
    if (!(thrown instanceof NetHsmError) || thrown.code !== "wrong-state") throw thrown;
    await setBackupPassphrase(run, leadingAdministrator);
    return run.as(user).system.backup();
  }
}
