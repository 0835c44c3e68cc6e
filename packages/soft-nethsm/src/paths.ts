/** Names of the records, those of the device's own store (they are what a backup holds). */
export const paths = {
  initialized: "/.initialized",
  configVersion: "/config/version",
  user: (name: string) => `${prefixes.users}${name}`,
  namespace: (id: string) => `${prefixes.namespaces}${id}`,
  /** Keys of a namespace have a dot before it, which no id begins with. */
  key: (namespace: string | undefined, id: string) => `${keysOf(namespace)}${id}`,
  shared: (name: SharedSetting) => `/config/${name}`,
  local: (deviceId: string, name: LocalSetting) => `/local/${deviceId}/config/${name}`,
  slot: (deviceId: string, slot: Slot) => `/local/${deviceId}/domain-key/${slot}`,
  /** Ours: what a hardware device keeps outside of its store. Never part of a backup. */
  deviceId: "/device/id",
  deviceKey: "/device/key",
} as const;

export const prefixes = {
  users: "/authentication/",
  namespaces: "/namespace/",
  keys: "/key/",
  config: "/config/",
  local: "/local/",
  device: "/device/",
} as const;

export const versionRecords = ["/authentication/.version", "/key/.version", "/namespace/.version"] as const;

/** Settings that a cluster shares, under the domain key. */
export type SharedSetting = "backup-key" | "backup-salt" | "cluster-ca";

/** Settings of one device, under its device key: they are readable before the device is unlocked. */
export type LocalSetting =
  | "unlock-salt"
  | "certificate"
  | "private-key"
  | "ip-config"
  | "log-config"
  | "time-offset"
  | "unattended-boot"
  /** Shared settings that a restore brought in the clear: sealed as soon as the domain key is known. */
  | "pending-unlock-migrations";

export type Slot = "attended" | "unattended";

/** The prefix of the keys of a namespace; for the root namespace that of all keys. */
export function keysOf(namespace: string | undefined): string {
  return namespace === undefined ? prefixes.keys : `${prefixes.keys}.${namespace}/`;
}
