import type { KeyRef } from "@signstar/config/model";
import type { NamespaceId, UserId } from "@signstar/nethsm/ids";
import type { KeyMechanism, KeyType, Role, SystemState } from "@signstar/nethsm/types";
import { leadingAdministrator } from "./desired.ts";

/** What one device holds, and what this host holds for it. */
export interface Actual {
  readonly state: SystemState;
  /** Undefined if there are none yet. */
  readonly secrets: KnownSecrets | undefined;
  /** The certificate that an Unprovisioned device has just shown and that is to be trusted from now on. */
  readonly firstPin: string | undefined;
  /** Undefined as long as the device shows none of it (Locked). Of an Unprovisioned one: what it will begin with. */
  readonly contents: Contents | undefined;
  /** Whether a backup is kept that was made after the last change. Of the leader alone. */
  readonly backup: "kept" | "due";
}

/** What is to be said of the admin credentials without saying them. */
export interface KnownSecrets {
  readonly administrators: ReadonlySet<UserId>;
  /**
   * `rotating`: those before may still be in force somewhere. `outdated`: of another iteration than the configuration,
   * so that all of them are to be made anew.
   */
  readonly standing: "in-force" | "rotating" | "outdated";
  /** Handed in by share holders: this host neither makes nor keeps them. */
  readonly handedIn: boolean;
}

export interface Contents {
  /** Such as `3.1`; undefined as long as nobody can log in. */
  readonly softwareVersion: string | undefined;
  readonly users: ReadonlyMap<UserId, ActualUser>;
  readonly namespaces: ReadonlySet<NamespaceId>;
  /** Configured keys by label. Those of a namespace are known only if one of its administrators let us in. */
  readonly keys: ReadonlyMap<string, ActualKey>;
  /** Those that the configuration does not have, by label. */
  readonly otherKeys: ReadonlyMap<string, HeldKey>;
  /** Labels of keys the device does not hold, but for which this host has a certificate. */
  readonly strayCertificates: ReadonlySet<string>;
}

export interface ActualUser {
  readonly role: Role;
  readonly tags: ReadonlySet<string>;
  readonly passphrase: PassphraseState;
}

/**
 * How the device answers to the passphrase this host has for the user. `unsettled`: accepted, but the one before is
 * still kept beside it. `previous`: an administrator who answers to the passphrase before. `unknown`: neither the
 * configuration nor the admin credentials know the user, or nobody asked.
 */
export type PassphraseState = "accepted" | "unsettled" | "previous" | "refused" | "missing" | "unknown";

export interface HeldKey {
  readonly key: KeyRef;
  /** The same text for the same key, and for no other; empty for one that has no public part. */
  readonly publicKey: string;
}

export interface ActualKey extends HeldKey {
  readonly type: KeyType;
  readonly mechanisms: ReadonlySet<KeyMechanism>;
  /** Bits of an RSA modulus. */
  readonly length: number | undefined;
  readonly tags: ReadonlySet<string>;
  readonly certificate: ActualCertificate;
}

export interface ActualCertificate {
  /** In /var/lib/signstar/certificates: the one that counts. */
  readonly file: CertificateState;
  readonly device: CertificateState;
  /** Both are there and byte for byte the same. */
  readonly same: boolean;
}

export type CertificateState =
  | { readonly kind: "missing" }
  | { readonly kind: "good" }
  /** For this key, but not as configured; made again with the same creation time it keeps its fingerprint. */
  | { readonly kind: "outdated"; readonly createdAt: number; readonly why: string }
  /** For another key, revoked or unreadable: nothing to replace without a human. */
  | { readonly kind: "foreign"; readonly why: string };

/** What a device holds right after it was provisioned. */
export function freshContents(strayCertificates: ReadonlySet<string>): Contents {
  return {
    softwareVersion: undefined,
    users: new Map([[leadingAdministrator, { role: "Administrator", tags: new Set(), passphrase: "accepted" }]]),
    namespaces: new Set(),
    keys: new Map(),
    otherKeys: new Map(),
    strayCertificates,
  };
}
