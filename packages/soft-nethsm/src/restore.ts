/**
 * From a backup of either version, made here or elsewhere, to this device. The file is read and checked as a whole, then
 * applied in one commit; the hardware writes entry by entry.
 */
import { equal, fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import type { Device } from "./device.ts";
import { Refusal } from "./http.ts";
import { type LocalSetting, paths, prefixes, type SharedSetting } from "./paths.ts";
import { encodePending, type Pending } from "./pending.ts";
import type { Backup } from "./read-backup.ts";
import { keyLength, saltLength, UnsealError, unseal } from "./seal.ts";
import {
  decodeCertificates,
  decodeLogging,
  decodeLoggingV0,
  decodeNetwork,
  decodeNetworkV0,
  encodeLogging,
  encodeNetwork,
} from "./settings.ts";
import { MemoryStorage } from "./storage.ts";
import { isUsable } from "./tls-files.ts";
import { Vault } from "./vault.ts";

type Change = readonly [string, Uint8Array | undefined];

const mandatory = ["unlock-salt", "certificate", "private-key"] as const satisfies readonly LocalSetting[];
const taken = [...mandatory, "ip-config", "log-config", "time-offset", "unattended-boot"] as const;
const sharedSettings = ["backup-salt", "backup-key", "cluster-ca"] as const satisfies readonly SharedSetting[];

/** Into an Unprovisioned device: everything of the backup. Ends Locked, or Operational where unattended boot works. */
export async function restoreWhole(device: Device, backup: Backup, timeOffset: Uint8Array | undefined): Promise<void> {
  const local = localSettings(backup);
  const unattended = domainKeyUnattended(device, backup);
  await device.commit(
    new Map<string, Uint8Array | undefined>([
      ...storeChanges(device, backup),
      ...sharedChanges(device, backup),
      ...[...local].map(([name, value]) => device.sealLocal(name, value)),
      device.sealSlot("attended", backup.lockedDomainKey),
      ...(unattended === undefined ? [] : [device.sealSlot("unattended", unattended)]),
      ...(timeOffset === undefined ? [] : [device.sealLocal("time-offset", timeOffset)]),
    ]),
  );
  device.events.tlsChanged();
  await device.reopen();
}

/**
 * Into an Operational device: users, keys, namespaces, the unlock and the backup passphrase; network, TLS, logging and
 * clock stay. Ends Locked if the locked domain key is another one, and then unattended boot is off.
 */
export async function restorePartly(device: Device, backup: Backup, timeOffset: Uint8Array | undefined): Promise<void> {
  const current = device.slot("attended");
  const sameKey = current !== undefined && equal(current, backup.lockedDomainKey);
  const unlockSalt = localSettings(backup).get("unlock-salt") ?? new Uint8Array(0);
  const { domainKey } = device.vault;
  if (sameKey) requireReadable(backup, domainKey);
  const off: readonly Change[] = [
    device.sealLocal("unattended-boot", toUtf8("0")),
    [paths.slot(device.id, "unattended"), undefined],
  ];
  await device.commit(
    new Map<string, Uint8Array | undefined>([
      ...storeChanges(device, backup),
      ...sharedChanges(device, backup).filter(([path]) => !(sameKey && isUnknownToVersion0(backup, path))),
      device.sealLocal("unlock-salt", unlockSalt),
      device.sealSlot("attended", backup.lockedDomainKey),
      ...(sameKey ? [] : off),
      ...(timeOffset === undefined ? [] : [device.sealLocal("time-offset", timeOffset)]),
    ]),
  );
  device.close();
  if (sameKey) await device.open(domainKey);
}

/** The encrypted stores go over as they are; what the backup does not have is removed. */
function storeChanges(device: Device, backup: Backup): readonly Change[] {
  const isStore = (path: string) =>
    [prefixes.users, prefixes.keys, prefixes.namespaces].some((prefix) => path.startsWith(prefix));
  const removed = [...device.records.keys()].filter(isStore).map((path): Change => [path, undefined]);
  const added = [...backup.records].filter(([path]) => isStore(path));
  return [...removed, ...added, [paths.initialized, new Uint8Array(0)], [paths.configVersion, toUtf8("1")]];
}

/** Version 1 has them under the domain key, version 0 in the clear: those wait until the domain key is known. */
function sharedChanges(device: Device, backup: Backup): readonly Change[] {
  const found = sharedSettings.map((name) => [name, backup.records.get(paths.shared(name))] as const);
  const pendingPath = paths.local(device.id, "pending-unlock-migrations");
  if (backup.version === 1) {
    return [...found.map(([name, value]): Change => [paths.shared(name), value]), [pendingPath, undefined]];
  }
  for (const [name, value] of found) {
    const length = name === "backup-salt" ? saltLength : name === "backup-key" ? keyLength : value?.length;
    if (value !== undefined && value.length !== length) {
      throw new Refusal(400, `The setting ${name} of the backup cannot be read.`);
    }
  }
  const pending: Pending = found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const removed = sharedSettings.map((name): Change => [paths.shared(name), undefined]);
  return [...removed, device.sealLocal("pending-unlock-migrations", encodePending(pending))];
}

/** A version 0 backup says nothing about the cluster CA, so it stays while its key stays. */
function isUnknownToVersion0(backup: Backup, path: string): boolean {
  return backup.version === 0 && path === paths.shared("cluster-ca");
}

/** Throws Refusal 400 if a record is not under this domain key, which can only be asked where that key is known. */
function requireReadable(backup: Backup, domainKey: Secret): void {
  try {
    const vault = new Vault(new MemoryStorage(backup.records), domainKey);
    if (backup.version === 1) for (const name of sharedSettings) vault.shared(name);
  } catch {
    throw new Refusal(400, "A record of the backup cannot be read.");
  }
}

/** The settings of the device that made the backup, in our encoding. Throws Refusal 400 if one is missing or malformed. */
function localSettings(backup: Backup): ReadonlyMap<LocalSetting, Uint8Array> {
  const settings = new Map<LocalSetting, Uint8Array>();
  for (const name of taken) {
    const value = localSetting(backup, name);
    if (value !== undefined) settings.set(name, value);
  }
  for (const name of mandatory) {
    if (!settings.has(name)) throw new Refusal(400, `The backup has no ${name}.`);
  }
  const tls = {
    privateKey: fromUtf8(settings.get("private-key") ?? new Uint8Array(0)),
    chain: decodeCertificates(settings.get("certificate") ?? new Uint8Array(0)),
  };
  if (!isUsable(tls)) throw new Refusal(400, "The TLS key and certificate of the backup do not belong together.");
  return settings;
}

function localSetting(backup: Backup, name: LocalSetting): Uint8Array | undefined {
  const path = backup.origin === undefined ? `/config/${name}` : paths.local(backup.origin.deviceId, name);
  const record = backup.records.get(path);
  if (record === undefined) return undefined;
  try {
    const value =
      backup.origin === undefined ? fromVersion0(name, record) : unseal(backup.origin.configStoreKey, path, record);
    requireMeaning(name, value);
    return value;
  } catch (cause) {
    if ([UnsealError, Refusal, RangeError, TypeError].some((kind) => cause instanceof kind)) {
      throw new Refusal(400, `The setting ${name} of the backup cannot be read.`);
    }
    throw cause;
  }
}

/** A setting that cannot be read later on would be in the way of all that reads it. Throws an error of any kind. */
function requireMeaning(name: LocalSetting, value: Uint8Array): void {
  if (name === "ip-config") decodeNetwork(value);
  else if (name === "log-config") decodeLogging(value);
  else if (name === "certificate" && decodeCertificates(value).length === 0) throw new RangeError("no certificate");
  else if (name === "private-key") fromUtf8(value);
  else if (name === "time-offset" && !/^-?\d{1,12}$/.test(fromUtf8(value))) throw new RangeError("no seconds");
  else if (name === "unattended-boot" && !/^[01]$/.test(fromUtf8(value))) throw new RangeError("neither on nor off");
}

function fromVersion0(name: LocalSetting, record: Uint8Array): Uint8Array {
  if (name === "ip-config") return encodeNetwork(decodeNetworkV0(record));
  if (name === "log-config") return encodeLogging(decodeLoggingV0(record));
  return record;
}

/** The domain key under the device key, which opens only if the backup was made with this very device key. */
function domainKeyUnattended(device: Device, backup: Backup): Uint8Array | undefined {
  const [path, aad] =
    backup.origin === undefined
      ? (["/domain-key/unattended", "domain-keyunattended"] as const)
      : ([
          paths.slot(backup.origin.deviceId, "unattended"),
          `local/${backup.origin.deviceId}/domain-keyunattended`,
        ] as const);
  const record = backup.records.get(path);
  if (record === undefined) return undefined;
  try {
    return unseal(device.deviceKey, aad, record);
  } catch (cause) {
    if (cause instanceof UnsealError) return undefined;
    throw cause;
  }
}
