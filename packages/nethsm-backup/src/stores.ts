/**
 * The inner layer: with the unlock passphrase the domain key opens, and with it the values of users, keys and
 * namespaces. The backup passphrase alone does not show them.
 */
import { Secret } from "@signstar/primitives/secret";
import { deriveKey, open, seal, storeKey } from "./crypto.ts";
import { BackupError } from "./errors.ts";
import { type BackupHeader, type BackupItem, sizes } from "./format.ts";

/** Associated data of the domain key under the unlock key. */
const domainKeyAad = "passphrase";

/** How the value at a path is stored. */
export type Encoding =
  | { readonly kind: "plain" }
  /** Sealed under a store's key, derived from the domain key. */
  | { readonly kind: "store"; readonly store: StoreName }
  /** Sealed under the key of the configuration store that the header of a version 1 backup carries. */
  | { readonly kind: "device-config" }
  /** Sealed under the key of the device itself, which no backup contains. */
  | { readonly kind: "device-key" };

export type StoreName = "auth_store" | "key_store" | "namespace_store" | "config_store";

/** The encoding of the value at `path`; undefined for a path that no known release writes. */
export function encodingOf(
  path: string,
  { version, deviceId }: Pick<BackupHeader, "version" | "deviceId">,
): Encoding | undefined {
  if (path.startsWith("/authentication/")) return { kind: "store", store: "auth_store" };
  if (path.startsWith("/key/")) return { kind: "store", store: "key_store" };
  if (path.startsWith("/namespace/")) return { kind: "store", store: "namespace_store" };
  if (path === "/.initialized") return { kind: "plain" };
  if (version === 0) {
    if (path.startsWith("/config/")) return { kind: "plain" };
    return path.startsWith("/domain-key/") ? { kind: "device-key" } : undefined;
  }
  if (/^\/config\/(?:backup-key|backup-salt|cluster-ca)$/.test(path)) return { kind: "store", store: "config_store" };
  if (path.startsWith("/config/")) return { kind: "plain" };
  const local = `/local/${deviceId}/`;
  if (path.startsWith(`${local}config/`)) return { kind: "device-config" };
  return path.startsWith(`${local}domain-key/`) ? { kind: "device-key" } : undefined;
}

/** The 32-byte domain key, from its locked form (60 bytes), the unlock passphrase and its salt (16 bytes). */
export async function openDomainKey(locked: Uint8Array, passphrase: Secret, salt: Uint8Array): Promise<Secret> {
  const opened = open(await deriveKey(passphrase, salt), domainKeyAad, locked);
  if (opened === undefined) {
    throw new BackupError("wrong-unlock-passphrase", "the unlock passphrase does not open the domain key", {
      hint: "give the unlock passphrase that was set on the device when the backup was made",
    });
  }
  return Secret.take(opened);
}

/** The locked form of a domain key under a key derived from the unlock passphrase. */
export function lockDomainKey(domainKey: Secret, unlockKey: Secret, nonce: Uint8Array): Uint8Array {
  return domainKey.use((bytes) => seal(unlockKey, domainKeyAad, bytes, nonce));
}

/** Where the salt of the unlock passphrase is kept. */
export function unlockSaltPath({ version, deviceId }: Pick<BackupHeader, "version" | "deviceId">): string {
  return version === 0 ? "/config/unlock-salt" : `/local/${deviceId}/config/unlock-salt`;
}

/** Opens values of one backup. Without a domain key only what the backup passphrase alone shows. */
export class ValueOpener {
  readonly #header: BackupHeader;
  readonly #stores = new Map<StoreName, Secret>();
  readonly #domainKey: Secret | undefined;

  constructor(header: BackupHeader, domainKey?: Secret) {
    this.#header = header;
    this.#domainKey = domainKey;
  }

  /**
   * The value as the device works with it, or undefined where the needed key is not at hand: the device's own key is
   * in no backup, the domain key only there if it was given.
   *
   * @throws BackupError `unreadable-value` if the key is at hand and does not open the value
   */
  open({ path, value }: BackupItem): Uint8Array | undefined {
    const encoding = encodingOf(path, this.#header);
    switch (encoding?.kind) {
      case "plain":
        return value;
      case "device-config":
        return (
          this.#header.configStoreKey && this.#unseal(Secret.take(this.#header.configStoreKey.slice()), path, value)
        );
      case "store": {
        const key = this.#store(encoding.store);
        return key && this.#unseal(key, path, value);
      }
      case "device-key":
      case undefined:
        return undefined;
    }
  }

  #store(name: StoreName): Secret | undefined {
    if (this.#domainKey === undefined) return undefined;
    const key = this.#stores.get(name) ?? storeKey(this.#domainKey, name);
    this.#stores.set(name, key);
    return key;
  }

  #unseal(key: Secret, path: string, value: Uint8Array): Uint8Array {
    const opened = open(key, path, value);
    if (opened === undefined) {
      throw new BackupError(
        "unreadable-value",
        `the value of ${JSON.stringify(path)} does not open with its store's key`,
      );
    }
    return opened;
  }
}

export const saltLength = sizes.salt;
