/** What a config says, once it has been parsed and checked. See `config.example.toml` for what each part means. */
import type { KeyId, NamespaceId, RestrictionTag, SystemWideUserId, UserId } from "@signstar/nethsm/ids";
import type { Connection } from "@signstar/nethsm/tls";
import type { KeyMechanism, KeyType, SignMode, TlsKeyType } from "@signstar/nethsm/types";
import type { AuthorizedKey } from "./authorized-key.ts";
import type { SystemUserId } from "./system-user.ts";

export type { AuthorizedKey } from "./authorized-key.ts";

export interface Config {
  /** Label of this generation of config and admin secret; nothing is derived from it. */
  readonly iteration: number;
  readonly adminSecretHandling: AdminSecretHandling;
  readonly nonAdminSecretHandling: "plaintext" | "systemd-creds";
  /** The first leads when `signstar-configure` sets up several devices. Can be empty. */
  readonly connections: readonly DeviceConnection[];
  readonly mappings: readonly Mapping[];
  readonly appliance: Appliance;
  readonly log: { readonly audit: "required" | "best-effort" };
  /** Keys and namespaces that `signstar-configure` may delete; what is not listed stays. */
  readonly removal: { readonly keys: readonly KeyRef[]; readonly namespaces: readonly NamespaceId[] };
  readonly device: DeviceSettings | undefined;
  /** What is allowed but should be known, in words, each with its table path. */
  readonly warnings: readonly string[];
}

export type AdminSecretHandling =
  | { readonly kind: "plaintext" }
  | { readonly kind: "systemd-creds" }
  | {
      readonly kind: "shamirs-secret-sharing";
      /** Number of distinct share-download keys. Below 2 nothing can be shared (there is a warning). */
      readonly numberOfShares: number;
      readonly threshold: number;
    };

export interface DeviceConnection extends Connection {
  /** Whether the first TLS certificate that an Unprovisioned device shows is trusted. */
  readonly bootstrapTls: "pinned" | "first-use";
}

/** A system user with SSH access, and the keys that may log in. */
interface SshUser {
  readonly systemUser: SystemUserId;
  /** One at least. */
  readonly authorizedKeys: readonly AuthorizedKey[];
}

interface MetricsUsers {
  readonly metricsUser: SystemWideUserId;
  readonly operatorUsers: readonly UserId[];
}

export type AdminMapping = { readonly kind: "admin"; readonly user: UserId };
export type BackupMapping = SshUser & { readonly kind: "backup"; readonly backendUser: SystemWideUserId };
export type MetricsMapping = SshUser & MetricsUsers & { readonly kind: "metrics" };
export type HermeticMetricsMapping = MetricsUsers & {
  readonly kind: "hermetic-metrics";
  readonly systemUser: SystemUserId;
};
export type SigningMapping = SshUser & {
  readonly kind: "signing";
  readonly operator: UserId;
  readonly key: KeySetup;
  readonly tag: RestrictionTag;
  /** Lower-case hex of the OpenPGP v4 fingerprint that this user's certificate must have. */
  readonly certificateFingerprint: string | undefined;
};

/** Kinds that need no user on the HSM. */
export const systemOnlyKinds = [
  "share-download",
  "share-upload",
  "wireguard-download",
  "key-certificates",
  "backup-upload",
  "update-upload",
] as const;
export type SystemOnlyKind = (typeof systemOnlyKinds)[number];
/** One type for each kind, so that a kind tells the mapping. */
export type SystemOnlyMapping = { [K in SystemOnlyKind]: SshUser & { readonly kind: K } }[SystemOnlyKind];

export type Mapping =
  | AdminMapping
  | BackupMapping
  | MetricsMapping
  | HermeticMetricsMapping
  | SigningMapping
  | SystemOnlyMapping;
/** The mappings that have a Unix user. */
export type SystemMapping = Exclude<Mapping, AdminMapping>;
/** The mappings whose Unix user logs in over SSH. */
export type SshMapping = Exclude<SystemMapping, HermeticMetricsMapping>;

/** A key on the HSM: in a namespace or system-wide. Written `namespace~key` or `key`. */
export interface KeyRef {
  readonly namespace: NamespaceId | undefined;
  readonly keyId: KeyId;
}

/** Names of types, mechanisms and modes are the NetHSM's own. Only combinations that work occur. */
export interface KeySetup extends KeyRef {
  readonly type: KeyType;
  readonly mechanisms: readonly KeyMechanism[];
  /** In bits, for RSA. */
  readonly length: number | undefined;
  readonly mode: SignMode;
  readonly context:
    | { readonly kind: "raw" }
    | {
        readonly kind: "openpgp";
        readonly version: 4;
        /** The first names the certificate; can be empty (there is a warning). */
        readonly userIds: readonly string[];
      };
}

export interface Appliance {
  /** How long shares wait for their holders. */
  readonly shareTimeoutMs: number;
  /** In bytes. */
  readonly uploadLimitBackup: number;
  /** In bytes. */
  readonly uploadLimitUpdate: number;
  /** Signatures of one batch that are made at the same time. */
  readonly batchConcurrency: number;
  /** Absolute path. */
  readonly wireguardPublicKey: string;
}

/** Settings of the first device, as the NetHSM's API names them; what is undefined is left as it is. */
export interface DeviceSettings {
  readonly bootMode: "attended" | "unattended" | undefined;
  readonly network: DeviceNetwork | undefined;
  readonly logging: DeviceLogging | undefined;
  readonly tls: DeviceTls | undefined;
}

export interface DeviceNetwork {
  readonly ipAddress: string;
  readonly netmask: string;
  /** `0.0.0.0`: none. */
  readonly gateway: string;
  /** Devices know it since release 4.0. */
  readonly ipv6: { readonly cidr: string; readonly gateway: string | undefined } | undefined;
}

export interface DeviceLogging {
  readonly ipAddress: string;
  readonly port: number;
  readonly logLevel: "debug" | "info" | "warning" | "error";
}

export interface DeviceTls {
  readonly keyType: TlsKeyType;
  /** In bits, for RSA. */
  readonly keyLength: number | undefined;
  readonly subject: CertificateSubject | undefined;
}

export interface CertificateSubject {
  readonly commonName: string;
  readonly countryName: string | undefined;
  readonly stateOrProvinceName: string | undefined;
  readonly localityName: string | undefined;
  readonly organizationName: string | undefined;
  readonly organizationalUnitName: string | undefined;
  readonly emailAddress: string | undefined;
  /** DNS names, or addresses as `IP:…`. Undefined: the common name; empty: none. */
  readonly subjectAltNames: readonly string[] | undefined;
}
