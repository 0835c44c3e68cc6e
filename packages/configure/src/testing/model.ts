/** A NetHSM and a host in memory, reduced to what plans are about; it refuses what a NetHSM refuses. */

import { formatKeyRef } from "@signstar/config/key-ref";
import type { KeyRef } from "@signstar/config/model";
import { type NamespaceId, namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { KeyMechanism, KeyType, Role, SystemState } from "@signstar/nethsm/types";
import { type Actual, type ActualUser, type CertificateState, freshContents } from "../actual.ts";
import type { Change } from "../change.ts";
import { type Desired, type DesiredUser, leadingAdministrator } from "../desired.ts";

interface ModelCertificate {
  readonly key: number;
  readonly userId: string;
}
interface ModelKey {
  readonly serial: number;
  readonly type: KeyType;
  readonly mechanisms: readonly KeyMechanism[];
  readonly length: number | undefined;
  readonly tags: Set<string>;
  certificate: ModelCertificate | undefined;
}
interface ModelUser {
  readonly role: Role;
  passphrase: number;
  readonly tags: Set<string>;
}

export class World {
  state: SystemState = "Unprovisioned";
  readonly users = new Map<UserId, ModelUser>();
  readonly namespaces = new Set<NamespaceId>();
  readonly keys = new Map<string, ModelKey & KeyRef>();
  adminCredentials: Map<UserId, number> | undefined;
  readonly passphraseFiles = new Map<UserId, { current: number; old: number | undefined }>();
  readonly certificateFiles = new Map<string, ModelCertificate>();
  signatures = 0;
  #serial = 0;

  observe(desired: Desired): Actual {
    const open = this.state === "Operational";
    const known = this.adminCredentials;
    const administrators = [...desired.administrators, ...desired.namespaces.flatMap((each) => each.administrators)];
    const passphraseState = (id: UserId, user: ModelUser): ActualUser["passphrase"] => {
      if (user.role === "Administrator") {
        if (known?.has(id)) return known.get(id) === user.passphrase ? "accepted" : "refused";
        return administrators.includes(id) ? "missing" : "unknown";
      }
      if (!desired.users.some((each) => each.id === id)) return "unknown";
      const file = this.passphraseFiles.get(id);
      if (file === undefined) return "missing";
      if (file.current !== user.passphrase) return "refused";
      return file.old === undefined ? "accepted" : "unsettled";
    };
    const wantedKeys = new Set(desired.keys.map(formatKeyRef));
    const stray = [...wantedKeys].filter((label) => this.certificateFiles.has(label) && !this.keys.has(label));
    const about = { state: this.state, firstPin: undefined, adminCredentials: known && new Set(known.keys()) };
    if (!open) {
      return { ...about, contents: this.state === "Unprovisioned" ? freshContents(new Set(stray)) : undefined };
    }
    return {
      ...about,
      contents: {
        softwareVersion: "5.0",
        otherKeys: new Set([...this.keys.keys()].filter((label) => !wantedKeys.has(label))),
        users: new Map(
          [...this.users].map(([id, user]) => [
            id,
            { role: user.role, tags: new Set(user.tags), passphrase: passphraseState(id, user) },
          ]),
        ),
        namespaces: new Set(this.namespaces),
        keys: new Map(
          [...this.keys]
            .filter(([label]) => wantedKeys.has(label))
            .map(([label, key]) => {
              const wanted = desired.keys.find((each) => formatKeyRef(each) === label)?.certificate?.userId;
              const state = (certificate: ModelCertificate | undefined): CertificateState => {
                if (certificate === undefined) return { kind: "missing" };
                if (certificate.key !== key.serial) return { kind: "foreign", why: "is for another key" };
                if (certificate.userId === wanted) return { kind: "good" };
                return { kind: "outdated", createdAt: 1, why: "its user id is another" };
              };
              const file = this.certificateFiles.get(label);
              const certificate = { file: state(file), device: state(key.certificate), same: file === key.certificate };
              return [label, { ...key, mechanisms: new Set(key.mechanisms), tags: new Set(key.tags), certificate }];
            }),
        ),
        strayCertificates: new Set(stray),
      },
    };
  }

  /** The single effects of a change, in their order; each may be the last one. */
  steps(change: Change): (() => void)[] {
    switch (change.kind) {
      case "trust-certificate":
        return [];
      case "write-admin-credentials":
        return [
          () => {
            const added = change.users.map((user) => [user, this.#next()] as const);
            this.adminCredentials = new Map([...(this.adminCredentials ?? []), ...added]);
          },
        ];
      case "provision":
        return [
          () => {
            must(this.state === "Unprovisioned", "provisioned twice");
            this.state = "Operational";
            this.#create(leadingAdministrator, "Administrator", this.#admin(leadingAdministrator));
          },
        ];
      case "unlock":
        return [
          () => {
            this.state = "Operational";
          },
        ];
      case "set-backup-passphrase":
        return [() => this.#login(change.as)];
      case "create-administrator":
        return [
          () => {
            this.#mayChange(change.as, change.user);
            this.#create(change.user, "Administrator", this.#admin(change.user));
          },
        ];
      case "set-administrator-passphrase":
        return [
          () => {
            this.#mayChange(change.as, change.user);
            this.#user(change.user).passphrase = this.#admin(change.user);
          },
        ];
      case "create-namespace":
        return [
          () => {
            must(this.#login(change.as) === undefined, "system-wide only");
            must(!this.namespaces.has(change.namespace), "namespace exists");
            this.namespaces.add(change.namespace);
          },
        ];
      case "remove-namespace":
        return [
          () => {
            must(this.#login(change.as) === undefined, "system-wide only");
            must(this.namespaces.delete(change.namespace), "no such namespace");
            for (const [label, key] of this.keys) if (key.namespace === change.namespace) this.keys.delete(label);
          },
        ];
      case "create-user":
        return this.#withFreshPassphrase(change.user, (passphrase) => {
          this.#mayChange(change.as, change.user.id);
          this.#create(change.user.id, change.user.role, passphrase);
        });
      case "set-passphrase":
        return this.#withFreshPassphrase(change.user, (passphrase) => {
          this.#mayChange(change.as, change.user.id);
          this.#user(change.user.id).passphrase = passphrase;
        });
      case "settle-passphrase":
        return [() => this.#settle(change.user.id)];
      case "remove-user":
        return [
          () => {
            this.#mayChange(change.as, change.user);
            must(change.as !== change.user, "users cannot delete themselves");
            must(this.users.delete(change.user), "no such user");
          },
        ];
      case "add-user-tag":
      case "remove-user-tag":
        return [
          () => {
            this.#mayChange(change.as, change.user);
            const user = this.#user(change.user);
            must(user.role === "Operator", "tags are for operators");
            if (change.kind === "add-user-tag") user.tags.add(change.tag);
            else must(user.tags.delete(change.tag), "no such tag");
          },
        ];
      case "generate-key":
        return [
          () => {
            const { key } = change;
            must(this.#login(change.as) === key.namespace, "other namespace");
            must(!this.keys.has(formatKeyRef(key)), "key exists");
            this.keys.set(formatKeyRef(key), {
              ...key,
              serial: this.#next(),
              tags: new Set(key.tags),
              certificate: undefined,
            });
          },
        ];
      case "remove-key":
        return [
          () => must(this.#key(change.as, change.key) && this.keys.delete(formatKeyRef(change.key)), "no such key"),
        ];
      case "add-key-tag":
        return [() => this.#key(change.as, change.key).tags.add(change.tag)];
      case "remove-key-tag":
        return [
          () => {
            const { tags } = this.#key(change.as, change.key);
            must(tags.delete(change.tag) && tags.size > 0, "a key must keep a tag");
          },
        ];
      case "make-certificate": {
        const { as, key, userId } = change;
        return [
          () => {
            const operator = this.#user(key.operator);
            const found = this.#key(as, key);
            must(operator.role === "Operator" && namespaceOf(key.operator) === key.namespace, "cannot sign");
            must(this.passphraseFiles.get(key.operator)?.current === operator.passphrase, "passphrase unknown");
            must(
              [...operator.tags].some((tag) => found.tags.has(tag)),
              "no tag in common",
            );
            this.signatures += 1;
            this.certificateFiles.set(formatKeyRef(key), { key: found.serial, userId });
          },
          ...this.steps({ kind: "store-certificate", as, key }),
        ];
      }
      case "store-certificate":
        return [
          () => {
            this.#key(change.as, change.key).certificate = undefined;
          },
          () => {
            this.#key(change.as, change.key).certificate = this.certificateFiles.get(formatKeyRef(change.key));
          },
        ];
      case "write-certificate":
        return [
          () => {
            const { certificate } = this.#key(change.as, change.key);
            if (certificate === undefined) throw new Error("no certificate to write");
            this.certificateFiles.set(formatKeyRef(change.key), certificate);
          },
        ];
    }
  }

  perform(changes: readonly Change[]): void {
    for (const change of changes) for (const step of this.steps(change)) step();
  }

  #withFreshPassphrase({ id }: DesiredUser, set: (passphrase: number) => void): (() => void)[] {
    const passphrase = this.#next();
    return [
      () => {
        const before = this.passphraseFiles.get(id);
        this.passphraseFiles.set(id, { current: passphrase, old: before?.old ?? before?.current });
      },
      () => set(passphrase),
      () => this.#settle(id),
    ];
  }

  #settle(id: UserId): void {
    const file = this.passphraseFiles.get(id);
    must(file?.current === this.#user(id).passphrase, "the device does not answer to the new passphrase");
    if (file !== undefined) file.old = undefined;
  }

  #create(id: UserId, role: Role, passphrase: number): void {
    must(!this.users.has(id), "user exists");
    this.users.set(id, { role, passphrase, tags: new Set() });
  }

  #admin(id: UserId): number {
    const passphrase = this.adminCredentials?.get(id);
    if (passphrase === undefined) throw new Error(`no admin credentials of ${id}`);
    return passphrase;
  }

  #user(id: UserId): ModelUser {
    const user = this.users.get(id);
    if (user === undefined) throw new Error(`no user ${id}`);
    return user;
  }

  #key(as: UserId, key: KeyRef): ModelKey {
    must(this.#login(as) === key.namespace, "keys of other namespaces are out of sight");
    const found = this.keys.get(formatKeyRef(key));
    if (found === undefined) throw new Error(`no key ${formatKeyRef(key)}`);
    return found;
  }

  /** The namespace of an administrator that can act now. */
  #login(as: UserId): NamespaceId | undefined {
    const namespace = namespaceOf(as);
    must(this.state === "Operational", "device is not operational");
    must(this.#user(as).role === "Administrator", `${as} is no administrator`);
    must(this.#user(as).passphrase === this.#admin(as), `${as} cannot log in`);
    must(namespace === undefined || this.namespaces.has(namespace), `namespace of ${as} does not exist`);
    return namespace;
  }

  #mayChange(as: UserId, user: UserId): void {
    const own = this.#login(as);
    const target = namespaceOf(user);
    const orphan = own === undefined && target !== undefined && !this.namespaces.has(target);
    must(own === target || orphan, `${as} may not change ${user}`);
  }

  #next(): number {
    this.#serial += 1;
    return this.#serial;
  }
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
