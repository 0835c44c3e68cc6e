/** A NetHSM in memory, reduced to what plans are about; it refuses what a NetHSM refuses. */
import { formatKeyRef } from "@signstar/config/key-ref";
import type { KeyRef } from "@signstar/config/model";
import { type NamespaceId, namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { KeyMechanism, KeyType, Role, SystemState } from "@signstar/nethsm/types";

export interface ModelCertificate {
  readonly key: number;
  readonly userId: string;
}
export interface ModelKey extends KeyRef {
  readonly serial: number;
  readonly type: KeyType;
  readonly mechanisms: readonly KeyMechanism[];
  readonly length: number | undefined;
  readonly tags: Set<string>;
  certificate: ModelCertificate | undefined;
}
export interface ModelUser {
  readonly role: Role;
  passphrase: number;
  readonly tags: Set<string>;
}

/** What a restore brings. Passphrases are numbers: the same number is the same passphrase. */
export interface ModelBackup {
  readonly users: ReadonlyMap<UserId, ModelUser>;
  readonly namespaces: ReadonlySet<NamespaceId>;
  readonly keys: ReadonlyMap<string, ModelKey>;
  readonly unlock: number;
  readonly domain: number;
  readonly backupPassphrase: number | undefined;
}

/** Who acts, and with which passphrases they may try. */
export interface ModelCaller {
  readonly user: UserId;
  readonly passphrases: readonly number[];
}

export class ModelDevice {
  state: SystemState = "Unprovisioned";
  users = new Map<UserId, ModelUser>();
  namespaces = new Set<NamespaceId>();
  keys = new Map<string, ModelKey>();
  unlockPassphrase = 0;
  backupPassphrase: number | undefined;
  #domain = 0;

  provision(admin: UserId, passphrase: number, unlock: number, domain: number): void {
    must(this.state === "Unprovisioned", "provisioned twice");
    this.state = "Operational";
    this.unlockPassphrase = unlock;
    this.#domain = domain;
    this.create(admin, "Administrator", passphrase);
  }

  unlock(passphrases: readonly number[]): void {
    must(this.state === "Locked" && passphrases.includes(this.unlockPassphrase), "cannot be unlocked");
    this.state = "Operational";
  }

  backup(): ModelBackup {
    must(this.state === "Operational" && this.backupPassphrase !== undefined, "no backup without a backup passphrase");
    const { unlockPassphrase: unlock, backupPassphrase } = this;
    return { ...copy(this), unlock, backupPassphrase, domain: this.#domain };
  }

  restore(caller: ModelCaller, backup: ModelBackup): void {
    must(this.login(caller) === undefined, "system-wide only");
    ({ users: this.users, namespaces: this.namespaces, keys: this.keys } = copy(backup));
    if (this.#domain !== backup.domain || this.unlockPassphrase !== backup.unlock) this.state = "Locked";
    this.unlockPassphrase = backup.unlock;
    this.backupPassphrase = backup.backupPassphrase;
    this.#domain = backup.domain;
  }

  /** The namespace of an administrator that can act now. */
  login({ user, passphrases }: ModelCaller): NamespaceId | undefined {
    const namespace = namespaceOf(user);
    must(this.state === "Operational", "device is not operational");
    must(this.user(user).role === "Administrator", `${user} is no administrator`);
    must(passphrases.includes(this.user(user).passphrase), `${user} cannot log in`);
    must(namespace === undefined || this.namespaces.has(namespace), `namespace of ${user} does not exist`);
    return namespace;
  }

  mayChange(caller: ModelCaller, user: UserId): void {
    const own = this.login(caller);
    const target = namespaceOf(user);
    const orphan = own === undefined && target !== undefined && !this.namespaces.has(target);
    must(own === target || orphan, `${caller.user} may not change ${user}`);
  }

  create(id: UserId, role: Role, passphrase: number): void {
    must(!this.users.has(id), "user exists");
    this.users.set(id, { role, passphrase, tags: new Set() });
  }

  user(id: UserId): ModelUser {
    const user = this.users.get(id);
    if (user === undefined) throw new Error(`no user ${id}`);
    return user;
  }

  key(caller: ModelCaller, key: KeyRef): ModelKey {
    must(this.login(caller) === key.namespace, "keys of other namespaces are out of sight");
    const found = this.keys.get(formatKeyRef(key));
    if (found === undefined) throw new Error(`no key ${formatKeyRef(key)}`);
    return found;
  }
}

function copy({ users, namespaces, keys }: Pick<ModelBackup, "users" | "namespaces" | "keys">) {
  return {
    users: new Map([...users].map(([id, user]) => [id, { ...user, tags: new Set(user.tags) }])),
    namespaces: new Set(namespaces),
    keys: new Map([...keys].map(([label, key]) => [label, { ...key, tags: new Set(key.tags) }])),
  };
}

export function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
