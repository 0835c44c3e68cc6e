/** Makes one change. Each may fail or be interrupted between any two calls, and may be made again after a new look. */
import { NetHsmError } from "@signstar/nethsm/errors";
import { namespaceOf, parseTag, type UserId } from "@signstar/nethsm/ids";
import { extendAdminCredentials, makeAdminCredentials } from "./admin-credentials.ts";
import type { Change } from "./change.ts";
import { leadingAdministrator } from "./desired.ts";
import { ConfigureError } from "./errors.ts";
import { makeKeyCertificate, storeCertificate, writeCertificate } from "./perform-certificates.ts";
import { createUser, setPassphrase } from "./perform-users.ts";
import type { Run } from "./run.ts";

export async function perform(run: Run, change: Change): Promise<void> {
  switch (change.kind) {
    case "trust-certificate":
      return run.files.addTlsPin(run.device.connection.url, change.sha256);
    case "write-admin-credentials":
      return writeAdminCredentials(run, change.users);
    case "provision":
      return provision(run);
    case "unlock":
      return unlock(run);
    case "set-backup-passphrase":
      return setBackupPassphrase(run, change.as);
    case "create-administrator": {
      const { as, user } = change;
      const passphrase = administratorPassphrase(run, user);
      return run.as(as).users.create(user, { realName: administratorName(user), role: "Administrator", passphrase });
    }
    case "set-administrator-passphrase":
      return run.as(change.as).users.setPassphrase(change.user, administratorPassphrase(run, change.user));
    case "create-namespace":
      return run.as(change.as).namespaces.create(change.namespace);
    case "remove-namespace":
      return run.as(change.as).namespaces.delete(change.namespace);
    case "create-user":
      return createUser(run, change.as, change.user);
    case "set-passphrase":
      return setPassphrase(run, change.as, change.user);
    case "settle-passphrase":
      return run.passphraseFiles.settle(change.user);
    case "remove-user":
      return run.as(change.as).users.delete(change.user);
    case "add-user-tag":
      await run.as(change.as).users.addTag(change.user, parseTag(change.tag));
      return;
    case "remove-user-tag":
      return run.as(change.as).users.removeTag(change.user, parseTag(change.tag));
    case "generate-key": {
      const { keyId: id, type, mechanisms, length, tags } = change.key;
      await run.as(change.as).keys.generate({ id, type, mechanisms, length, tags });
      return;
    }
    case "remove-key":
      return run.as(change.as).keys.delete(change.key.keyId);
    case "add-key-tag":
      await run.as(change.as).keys.addTag(change.key.keyId, parseTag(change.tag));
      return;
    case "remove-key-tag":
      return run.as(change.as).keys.removeTag(change.key.keyId, parseTag(change.tag));
    case "make-certificate":
      return makeKeyCertificate(run, change);
    case "store-certificate":
      return storeCertificate(run, change.as, change.key);
    case "write-certificate":
      return writeCertificate(run, change.as, change.key);
  }
}

async function writeAdminCredentials(run: Run, users: readonly UserId[]): Promise<void> {
  const { current: before, previous } = run.secrets ?? {};
  const current =
    before === undefined ? makeAdminCredentials(run.iteration, users) : extendAdminCredentials(before, users);
  await run.store.write(current, { keepPrevious: false });
  run.secrets = { current, previous };
}

async function provision(run: Run): Promise<void> {
  const { unlockPassphrase } = run.requireAdminCredentials();
  const adminPassphrase = administratorPassphrase(run, leadingAdministrator);
  await run.device.provision({ unlockPassphrase, adminPassphrase, systemTime: run.now() });
}

async function unlock(run: Run): Promise<void> {
  try {
    await run.device.unlock(run.requireAdminCredentials().unlockPassphrase);
  } catch (cause) {
    if (!(cause instanceof NetHsmError) || cause.code !== "forbidden") throw cause;
    throw new ConfigureError("credentials-refused", "the device refuses the unlock passphrase of this host", {
      cause,
      hint: "this host's admin-credentials.toml belongs to another device, or to an earlier provisioning",
    });
  }
}

/** A device tells neither whether it has one nor which: first as if it had none, then as if it had ours. */
async function setBackupPassphrase(run: Run, as: UserId): Promise<void> {
  const { backupPassphrase: next } = run.requireAdminCredentials();
  for (const current of [undefined, next]) {
    try {
      return await run.as(as).config.setBackupPassphrase({ current, next });
    } catch (thrown) {
      if (!(thrown instanceof NetHsmError) || thrown.code !== "forbidden") throw thrown;
    }
  }
  throw new ConfigureError(
    "backup-passphrase-refused",
    "the device has a backup passphrase that this host does not know",
    {
      hint: "give the device the backup_passphrase of this host's admin-credentials.toml",
    },
  );
}

function administratorPassphrase(run: Run, user: UserId) {
  const passphrase = run.requireAdminCredentials().administrators.get(user);
  if (passphrase !== undefined) return passphrase;
  throw new ConfigureError("no-credentials", `the admin credentials of this host have no passphrase of ${user}`);
}

function administratorName(user: UserId): string {
  return namespaceOf(user) === undefined ? `System-wide Admin ${user}` : `Namespace Admin ${user}`;
}
