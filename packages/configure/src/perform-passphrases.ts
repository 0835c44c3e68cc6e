/** Provisioning, and the passphrases of the device itself and of its administrators. */
import { NetHsmError } from "@signstar/nethsm/errors";
import { namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { Secret } from "@signstar/primitives/secret";
import { extendAdminCredentials, makeAdminCredentials } from "./admin-credentials.ts";
import type { Change } from "./change.ts";
import { leadingAdministrator } from "./desired.ts";
import { ConfigureError, refusedHint } from "./errors.ts";
import type { Run } from "./run.ts";

export async function writeAdminCredentials(
  run: Run,
  { users, why }: Extract<Change, { kind: "write-admin-credentials" }>,
): Promise<void> {
  const { current: before, previous } = run.secrets ?? {};
  if (before !== undefined && why === "administrators") {
    const current = extendAdminCredentials(before, users);
    await run.store.write(current, { keepPrevious: false });
    run.secrets = { current, previous };
    return;
  }
  const current = makeAdminCredentials(run.iteration, users);
  await run.store.write(current, { keepPrevious: true });
  run.secrets = { current, previous: before };
}

export async function provision(run: Run): Promise<void> {
  const { unlockPassphrase } = run.requireAdminCredentials();
  const adminPassphrase = administratorPassphrase(run, leadingAdministrator);
  await run.device.provision({ unlockPassphrase, adminPassphrase, systemTime: run.now() });
}

/** A device does not tell which one it has: first as if it were the one before, then as if it were this one. */
export async function setUnlockPassphrase(run: Run, as: UserId): Promise<void> {
  const { current, previous } = run.requireSecrets();
  const next = current.unlockPassphrase;
  const { config } = run.as(as);
  const candidates = [previous?.unlockPassphrase, next].filter((passphrase) => passphrase !== undefined);
  for (const candidate of candidates) {
    if (await accepted(() => config.setUnlockPassphrase({ current: candidate, next }))) return;
  }
  throw new ConfigureError("credentials-refused", "the device has an unlock passphrase that this host does not know", {
    hint: refusedHint,
  });
}

/** A device tells neither whether it has one nor which. */
export async function setBackupPassphrase(run: Run, as: UserId): Promise<void> {
  const { current, previous } = run.requireSecrets();
  const next = current.backupPassphrase;
  const { config } = run.as(as);
  const candidates = previous === undefined ? [undefined, next] : [previous.backupPassphrase, next, undefined];
  for (const candidate of candidates) {
    if (await accepted(() => config.setBackupPassphrase({ current: candidate, next }))) return;
  }
  throw new ConfigureError(
    "backup-passphrase-refused",
    "the device has a backup passphrase that this host does not know",
    { hint: "give the device the backup_passphrase of this host's admin credentials" },
  );
}

async function accepted(set: () => Promise<void>): Promise<boolean> {
  try {
    await set();
    return true;
  } catch (thrown) {
    if (thrown instanceof NetHsmError && thrown.code === "forbidden") return false;
    throw thrown;
  }
}

export async function createAdministrator(run: Run, as: UserId, user: UserId): Promise<void> {
  const passphrase = administratorPassphrase(run, user);
  await run.as(as).users.create(user, { realName: administratorName(user), role: "Administrator", passphrase });
  run.learn(user, passphrase);
}

export async function setAdministratorPassphrase(run: Run, as: UserId, user: UserId): Promise<void> {
  const passphrase = administratorPassphrase(run, user);
  await run.as(as).users.setPassphrase(user, passphrase);
  run.learn(user, passphrase);
}

function administratorPassphrase(run: Run, user: UserId): Secret {
  const passphrase = run.requireAdminCredentials().administrators.get(user);
  if (passphrase !== undefined) return passphrase;
  throw new ConfigureError("no-credentials", `the admin credentials of this host have no passphrase of ${user}`);
}

function administratorName(user: UserId): string {
  return namespaceOf(user) === undefined ? `System-wide Admin ${user}` : `Namespace Admin ${user}`;
}
