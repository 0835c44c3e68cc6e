/**
 * What an unlocked device knows: users, namespaces and keys, decrypted. A change is stored first and then taken over,
 * all of it or nothing.
 */
import type { KeyType } from "@signstar/nethsm/types";
import { storeKey } from "@signstar/nethsm-backup/crypto";
import { toUtf8 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import type { Caller } from "./caller.ts";
import { type Material, materialOf } from "./crypto/material.ts";
import { keysOf, paths, prefixes, type SharedSetting, versionRecords } from "./paths.ts";
import { decodeKey, decodeUser, encodeKey, encodeUser, type StoredKey, type User } from "./records.ts";
import { seal, unseal } from "./seal.ts";
import type { Storage } from "./storage.ts";

/** A key with what is worth keeping in memory: its ready-made material and the uses since it was stored. */
export class Key {
  readonly stored: StoredKey;
  /** Shared with the record that replaces this one: what is under way meanwhile counts for both. */
  readonly #uses: { count: number };
  #material: Material | undefined;

  /** `before` is the same key as it was until now: uses counted since then are kept. */
  constructor(stored: StoredKey, before?: Key) {
    this.stored = stored;
    this.#uses = before === undefined ? { count: stored.operations } : before.#uses;
    this.#material = before === undefined ? undefined : before.#material;
  }

  get operations(): number {
    return this.#uses.count;
  }

  used(): void {
    this.#uses.count += 1;
  }

  get material(): Material {
    this.#material ??= materialOf(this.stored.private);
    return this.#material;
  }

  get type(): KeyType {
    return this.material.type;
  }
}

/** What the vault asks of a storage. */
type Store = Pick<Storage, "records" | "commit">;

/** Headers that are remembered at a time. */
const mostRecognized = 256;

/** `undefined` removes. Keys are by record path (`paths.key`). */
export interface VaultChange {
  readonly users?: ReadonlyMap<string, User | undefined>;
  readonly namespaces?: ReadonlyMap<string, true | undefined>;
  readonly keys?: ReadonlyMap<string, StoredKey | undefined>;
}

export class Vault {
  readonly domainKey: Secret;
  readonly #storage: Store;
  readonly #users = new Map<string, User>();
  readonly #namespaces = new Set<string>();
  readonly #recognized = new Map<string, Caller>();
  readonly #keys = new Map<string, Key>();
  readonly #sealers: Readonly<Record<"users" | "namespaces" | "keys" | "shared", Secret>>;

  /** Throws UnsealError if a record is not of this domain key. */
  constructor(storage: Store, domainKey: Secret) {
    this.domainKey = domainKey;
    this.#storage = storage;
    this.#sealers = {
      users: storeKey(domainKey, "auth_store"),
      namespaces: storeKey(domainKey, "namespace_store"),
      keys: storeKey(domainKey, "key_store"),
      shared: storeKey(domainKey, "config_store"),
    };
    const versions: readonly string[] = versionRecords;
    for (const [path, sealed] of storage.records) {
      if (versions.includes(path)) continue;
      if (path.startsWith(prefixes.users)) {
        this.#users.set(path.slice(prefixes.users.length), decodeUser(unseal(this.#sealers.users, path, sealed)));
      } else if (path.startsWith(prefixes.namespaces)) {
        // Only the name counts, but it must not be the word of somebody without the domain key.
        unseal(this.#sealers.namespaces, path, sealed);
        this.#namespaces.add(path.slice(prefixes.namespaces.length));
      } else if (path.startsWith(prefixes.keys)) {
        this.#keys.set(path, new Key(decodeKey(unseal(this.#sealers.keys, path, sealed))));
      }
    }
  }

  /** Who was let in with this very Authorization header since the users last changed. */
  recognized(header: string): Caller | undefined {
    return this.#recognized.get(header);
  }

  recognize(header: string, caller: Caller): void {
    if (this.#recognized.size >= mostRecognized) this.#recognized.clear();
    this.#recognized.set(header, caller);
  }

  get users(): ReadonlyMap<string, User> {
    return this.#users;
  }

  get namespaces(): ReadonlySet<string> {
    return this.#namespaces;
  }

  get keys(): ReadonlyMap<string, Key> {
    return this.#keys;
  }

  /** The keys of one namespace by id; those of the root namespace without any other. */
  keysIn(namespace: string | undefined): ReadonlyMap<string, Key> {
    const prefix = keysOf(namespace);
    const inside = [...this.#keys].filter(([path]) => path.startsWith(prefix) && !path.startsWith(".", prefix.length));
    return new Map(inside.map(([path, key]) => [path.slice(prefix.length), key]));
  }

  async apply(change: VaultChange): Promise<void> {
    await this.#storage.commit(new Map(this.#sealed(change)));
    if (change.users !== undefined) this.#recognized.clear();
    for (const [name, user] of change.users ?? []) replace(this.#users, name, user);
    for (const [path, key] of change.keys ?? []) replace(this.#keys, path, key && new Key(key, this.#keys.get(path)));
    for (const [id, there] of change.namespaces ?? []) {
      if (there) this.#namespaces.add(id);
      else this.#namespaces.delete(id);
    }
  }

  /** The stored form of a key with its current counter: every rewrite of the record brings the counter along. */
  static snapshot(key: Key): StoredKey {
    return { ...key.stored, operations: key.operations };
  }

  /** Writes the counters that have moved. */
  async flush(): Promise<void> {
    const moved = [...this.#keys].filter(([, key]) => key.operations !== key.stored.operations);
    if (moved.length === 0) return;
    await this.apply({ keys: new Map(moved.map(([path, key]) => [path, Vault.snapshot(key)])) });
  }

  shared(name: SharedSetting): Uint8Array | undefined {
    const path = paths.shared(name);
    const sealed = this.#storage.records.get(path);
    return sealed === undefined ? undefined : unseal(this.#sealers.shared, path, sealed);
  }

  sealShared(name: SharedSetting, value: Uint8Array): [string, Uint8Array] {
    return [paths.shared(name), seal(this.#sealers.shared, paths.shared(name), value)];
  }

  /** The records of a fresh vault. */
  static initial(domainKey: Secret, admin: User): Map<string, Uint8Array> {
    const [users, keys, namespaces] = versionRecords;
    const path = paths.user("admin");
    const authKey = storeKey(domainKey, "auth_store");
    const version = toUtf8("0");
    return new Map([
      [paths.initialized, new Uint8Array(0)],
      [paths.configVersion, toUtf8("1")],
      [users, seal(authKey, users, version)],
      [keys, seal(storeKey(domainKey, "key_store"), keys, version)],
      [namespaces, seal(storeKey(domainKey, "namespace_store"), namespaces, version)],
      [path, seal(authKey, path, encodeUser(admin))],
    ]);
  }

  *#sealed(change: VaultChange): Iterable<[string, Uint8Array | undefined]> {
    for (const [name, user] of change.users ?? []) {
      const path = paths.user(name);
      yield [path, user && seal(this.#sealers.users, path, encodeUser(user))];
    }
    for (const [id, there] of change.namespaces ?? []) {
      const path = paths.namespace(id);
      yield [path, there && seal(this.#sealers.namespaces, path, toUtf8(JSON.stringify(id)))];
    }
    for (const [path, key] of change.keys ?? []) {
      yield [path, key && seal(this.#sealers.keys, path, encodeKey(key))];
    }
  }
}

function replace<T>(map: Map<string, T>, name: string, value: T | undefined): void {
  if (value === undefined) map.delete(name);
  else map.set(name, value);
}
