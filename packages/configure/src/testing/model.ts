/** Devices and a host in memory, and what each change does to them, effect by effect. */
import { formatKeyRef } from "@signstar/config/key-ref";
import { namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { Change } from "../change.ts";
import { type Desired, type DesiredUser, leadingAdministrator } from "../desired.ts";
import { temporaryBackupUser } from "../temporary-user.ts";
import { type ModelBackup, type ModelCaller, type ModelCertificate, ModelDevice, must } from "./model-device.ts";

export interface ModelSecrets {
  readonly iteration: number;
  readonly unlock: number;
  readonly backup: number;
  readonly administrators: ReadonlyMap<UserId, number>;
}

export class World {
  readonly leader = new ModelDevice();
  readonly followers: readonly ModelDevice[];
  /** Of the configuration. */
  iteration = 1;
  secrets: { readonly current: ModelSecrets; readonly previous: ModelSecrets | undefined } | undefined;
  readonly passphraseFiles = new Map<UserId, { current: number; old: number | undefined }>();
  readonly certificateFiles = new Map<string, ModelCertificate>();
  kept: ModelBackup | undefined;
  isBackupDue = false;
  signatures = 0;
  #serial = 0;

  constructor(followers = 0) {
    this.followers = Array.from({ length: followers }, () => new ModelDevice());
  }

  /** The single effects of a change, in their order; each may be the last one. */
  steps(device: ModelDevice, desired: Desired, change: Change): (() => void)[] {
    const as = "as" in change ? this.#caller(change.as) : this.#caller(leadingAdministrator);
    switch (change.kind) {
      case "trust-certificate":
        return [];
      case "write-admin-credentials":
        return [() => this.#writeSecrets(change)];
      case "settle-admin-credentials":
        return [
          () => {
            const { current } = this.#secrets();
            for (const each of [this.leader, ...this.followers]) {
              must(each.unlockPassphrase === current.unlock, "a device has another unlock passphrase");
            }
            this.secrets = { current, previous: undefined };
          },
        ];
      case "provision":
        return [
          () => {
            const { unlock } = this.#secrets().current;
            device.provision(leadingAdministrator, this.#admin(leadingAdministrator), unlock, this.#next());
          },
        ];
      case "unlock":
        return [() => device.unlock(this.#both().map(({ unlock }) => unlock))];
      case "set-unlock-passphrase":
        return [
          () => {
            must(device.login(as) === undefined, "system-wide only");
            must(
              this.#both().some(({ unlock }) => unlock === device.unlockPassphrase),
              "unlock passphrase unknown",
            );
            device.unlockPassphrase = this.#secrets().current.unlock;
          },
        ];
      case "set-backup-passphrase":
        return [() => this.#setBackupPassphrase(device, as)];
      case "keep-backup":
        return this.#keepBackup(desired);
      case "restore-from-leader":
        return [
          ...this.#keepBackup(desired),
          () => device.restore(this.#caller(leadingAdministrator), this.#keptBackup()),
          () => {
            if (device.state === "Locked") device.unlock([this.#secrets().current.unlock]);
          },
          () => {
            device.login(this.#caller(leadingAdministrator));
            device.users.delete(temporaryBackupUser(desired));
          },
        ];
      case "create-administrator":
        return [
          () => {
            device.mayChange(as, change.user);
            device.create(change.user, "Administrator", this.#admin(change.user));
          },
        ];
      case "set-administrator-passphrase":
        return [
          () => {
            device.mayChange(as, change.user);
            device.user(change.user).passphrase = this.#admin(change.user);
          },
        ];
      case "create-namespace":
        return [
          () => {
            must(device.login(as) === undefined, "system-wide only");
            must(!device.namespaces.has(change.namespace), "namespace exists");
            device.namespaces.add(change.namespace);
          },
        ];
      case "remove-namespace":
        return [
          () => {
            must(device.login(as) === undefined, "system-wide only");
            must(device.namespaces.delete(change.namespace), "no such namespace");
            for (const [label, key] of device.keys) {
              if (key.namespace === change.namespace) device.keys.delete(label);
            }
          },
        ];
      case "create-user":
        return this.#withFreshPassphrase(change.user, (passphrase) => {
          device.mayChange(as, change.user.id);
          device.create(change.user.id, change.user.role, passphrase);
        });
      case "set-passphrase":
        return this.#withFreshPassphrase(change.user, (passphrase) => {
          device.mayChange(as, change.user.id);
          device.user(change.user.id).passphrase = passphrase;
        });
      case "settle-passphrase":
        return [() => this.settle(change.user.id)];
      case "remove-user":
        return [
          () => {
            device.mayChange(as, change.user);
            must(change.as !== change.user, "users cannot delete themselves");
            must(device.users.delete(change.user), "no such user");
          },
        ];
      case "add-user-tag":
      case "remove-user-tag":
        return [
          () => {
            device.mayChange(as, change.user);
            const user = device.user(change.user);
            must(user.role === "Operator", "tags are for operators");
            if (change.kind === "add-user-tag") user.tags.add(change.tag);
            else must(user.tags.delete(change.tag), "no such tag");
          },
        ];
      case "generate-key":
        return [
          () => {
            const { key } = change;
            must(device.login(as) === key.namespace, "other namespace");
            must(!device.keys.has(formatKeyRef(key)), "key exists");
            device.keys.set(formatKeyRef(key), {
              ...key,
              serial: this.#next(),
              tags: new Set(key.tags),
              certificate: undefined,
            });
          },
        ];
      case "remove-key":
        return [() => must(device.key(as, change.key) && device.keys.delete(formatKeyRef(change.key)), "no such key")];
      case "add-key-tag":
        return [() => device.key(as, change.key).tags.add(change.tag)];
      case "remove-key-tag":
        return [
          () => {
            const { tags } = device.key(as, change.key);
            must(tags.delete(change.tag) && tags.size > 0, "a key must keep a tag");
          },
        ];
      case "make-certificate": {
        const { key, userId } = change;
        return [
          () => {
            const operator = device.user(key.operator);
            const found = device.key(as, key);
            must(operator.role === "Operator" && namespaceOf(key.operator) === key.namespace, "cannot sign");
            must(this.passphraseFiles.get(key.operator)?.current === operator.passphrase, "passphrase unknown");
            must(
              [...operator.tags].some((tag) => found.tags.has(tag)),
              "no tag in common",
            );
            this.signatures += 1;
            this.certificateFiles.set(formatKeyRef(key), { key: found.serial, userId });
          },
          ...this.steps(device, desired, { kind: "store-certificate", as: change.as, key }),
        ];
      }
      case "store-certificate":
        return [
          () => {
            device.key(as, change.key).certificate = undefined;
          },
          () => {
            device.key(as, change.key).certificate = this.certificateFiles.get(formatKeyRef(change.key));
          },
        ];
      case "write-certificate":
        return [
          () => {
            const { certificate } = device.key(as, change.key);
            if (certificate === undefined) throw new Error("no certificate to write");
            this.certificateFiles.set(formatKeyRef(change.key), certificate);
          },
        ];
    }
  }

  /** Forgets the passphrase before; the one that is left must be in force everywhere. */
  settle(id: UserId): void {
    const file = this.passphraseFiles.get(id);
    for (const device of [this.leader, ...this.followers]) {
      must(file?.current === device.user(id).passphrase, "a device does not answer to the new passphrase");
    }
    if (file !== undefined) file.old = undefined;
  }

  #writeSecrets({ users, why }: Extract<Change, { kind: "write-admin-credentials" }>): void {
    const added = users.map((user) => [user, this.#next()] as const);
    const { iteration } = this;
    if (this.secrets !== undefined && why === "administrators") {
      const { current, previous } = this.secrets;
      this.secrets = {
        current: { ...current, administrators: new Map([...current.administrators, ...added]) },
        previous,
      };
      return;
    }
    must(this.secrets?.previous === undefined, "a third set of admin secrets");
    const current = { iteration, unlock: this.#next(), backup: this.#next(), administrators: new Map(added) };
    this.secrets = { current, previous: this.secrets?.current };
  }

  #keepBackup(desired: Desired): (() => void)[] {
    const { leader } = this;
    const mapped = desired.users.find(({ role }) => role === "Backup");
    const keep = () => {
      if (leader.backupPassphrase === undefined) this.#setBackupPassphrase(leader, this.#caller(leadingAdministrator));
      must(leader.backupPassphrase === this.#secrets().current.backup, "backup passphrase unknown");
      must(leader.unlockPassphrase === this.#secrets().current.unlock, "the backup would not open");
      this.kept = leader.backup();
    };
    const settle = () => {
      this.isBackupDue = false;
    };
    if (mapped !== undefined) {
      const known = () =>
        must(this.passphraseFiles.get(mapped.id)?.current === leader.user(mapped.id).passphrase, "cannot back up");
      return [known, keep, settle];
    }
    const temporary = temporaryBackupUser(desired);
    return [
      () => {
        leader.users.delete(temporary);
        leader.create(temporary, "Backup", this.#next());
      },
      keep,
      () => must(leader.users.delete(temporary), "no temporary user"),
      settle,
    ];
  }

  #keptBackup(): ModelBackup {
    if (this.kept === undefined) throw new Error("no backup is kept");
    return this.kept;
  }

  #setBackupPassphrase(device: ModelDevice, as: ModelCaller): void {
    must(device.login(as) === undefined, "system-wide only");
    const known = [undefined, ...this.#both().map(({ backup }) => backup)];
    must(known.includes(device.backupPassphrase), "backup passphrase unknown");
    device.backupPassphrase = this.#secrets().current.backup;
  }

  #withFreshPassphrase({ id }: DesiredUser, set: (passphrase: number) => void): (() => void)[] {
    const passphrase = this.#next();
    return [
      () => {
        const before = this.passphraseFiles.get(id);
        this.passphraseFiles.set(id, { current: passphrase, old: before?.old ?? before?.current });
      },
      () => set(passphrase),
    ];
  }

  #secrets() {
    if (this.secrets === undefined) throw new Error("no admin secrets");
    return this.secrets;
  }

  #both(): readonly ModelSecrets[] {
    const { current, previous } = this.#secrets();
    return previous === undefined ? [current] : [current, previous];
  }

  #caller(user: UserId): ModelCaller {
    const passphrases = (this.secrets === undefined ? [] : this.#both()).map((each) => each.administrators.get(user));
    return { user, passphrases: passphrases.filter((each) => each !== undefined) };
  }

  #admin(id: UserId): number {
    const passphrase = this.#secrets().current.administrators.get(id);
    if (passphrase === undefined) throw new Error(`no admin credentials of ${id}`);
    return passphrase;
  }

  #next(): number {
    this.#serial += 1;
    return this.#serial;
  }
}
