/** Makes one change. Each may fail or be interrupted between any two calls, and may be made again after a new look. */
import { parseTag } from "@signstar/nethsm/ids";
import type { Change } from "./change.ts";
import { unlock } from "./enter.ts";
import { keepBackup } from "./keep-backup.ts";
import { makeKeyCertificate, storeCertificate, writeCertificate } from "./perform-certificates.ts";
import {
  createAdministrator,
  provision,
  setAdministratorPassphrase,
  setBackupPassphrase,
  setUnlockPassphrase,
  writeAdminCredentials,
} from "./perform-passphrases.ts";
import { createUser, setPassphrase } from "./perform-users.ts";
import { restoreFromLeader } from "./restore-from-leader.ts";
import type { Run } from "./run.ts";

export async function perform(run: Run, change: Change): Promise<void> {
  switch (change.kind) {
    case "trust-certificate":
      return run.files.addTlsPin(run.device.connection.url, change.sha256);
    case "write-admin-credentials":
      return writeAdminCredentials(run, change);
    case "provision":
      return provision(run);
    case "unlock":
      return unlock(run);
    case "set-unlock-passphrase":
      return setUnlockPassphrase(run, change.as);
    case "set-backup-passphrase":
      return setBackupPassphrase(run, change.as);
    case "create-administrator":
      return createAdministrator(run, change.as, change.user);
    case "set-administrator-passphrase":
      return setAdministratorPassphrase(run, change.as, change.user);
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
    case "settle-admin-credentials":
      return run.store.settle();
    case "keep-backup":
      return keepBackup(run);
    case "restore-from-leader":
      return restoreFromLeader(run);
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
