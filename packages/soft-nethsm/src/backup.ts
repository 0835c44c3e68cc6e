/** From a running device to a backup in either version. */
import { toUtf8 } from "@signstar/primitives/bytes";
import { type Backup, encodeBackup } from "./backup-file.ts";
import type { Device } from "./device.ts";
import { Refusal } from "./http.ts";
import { type LocalSetting, paths, prefixes, type Slot } from "./paths.ts";
import { has } from "./release.ts";
import { seal, storeKey } from "./seal.ts";
import { decodeLogging, decodeNetwork, encodeLoggingV0, encodeNetworkV0 } from "./settings.ts";

/** Throws Refusal 412 without a backup passphrase. Counters are those of the last flush, as on the device. */
export function makeBackup(device: Device): Uint8Array {
  const salt = device.vault.shared("backup-salt");
  const key = device.vault.shared("backup-key");
  if (salt === undefined || key === undefined) {
    throw new Refusal(412, "Please configure backup key before doing a backup.");
  }
  return encodeBackup(key, salt, has(device.release, "backupV1") ? version1(device) : version0(device, salt, key));
}

/** The records as they are, but for what identifies this device. */
function version1(device: Device): Backup {
  const records = [...device.records].filter(([path]) => !path.startsWith(prefixes.device));
  return {
    version: 1,
    lockedDomainKey: lockedDomainKey(device),
    origin: { deviceId: device.id, configStoreKey: storeKey(device.deviceKey, "early_config_store") },
    records: new Map(records),
  };
}

/** Settings in the clear (under the backup key alone), in the older encodings. */
function version0(device: Device, backupSalt: Uint8Array, backupKey: Uint8Array): Backup {
  const dropped = [prefixes.device, prefixes.local, prefixes.config];
  const stores = [...device.records].filter(([path]) => !dropped.some((prefix) => path.startsWith(prefix)));
  const plain = (name: LocalSetting): [string, Uint8Array] => [`/config/${name}`, device.local(name)];
  const slot = (name: Slot): [string, Uint8Array][] => {
    const value = device.slot(name);
    return value === undefined ? [] : [[`/domain-key/${name}`, seal(device.deviceKey, `domain-key${name}`, value)]];
  };
  return {
    version: 0,
    lockedDomainKey: lockedDomainKey(device),
    origin: undefined,
    records: new Map([
      ...stores,
      ["/config/version", toUtf8("0")],
      [paths.shared("backup-salt"), backupSalt],
      [paths.shared("backup-key"), backupKey],
      plain("unlock-salt"),
      plain("certificate"),
      plain("private-key"),
      plain("time-offset"),
      plain("unattended-boot"),
      ["/config/ip-config", encodeNetworkV0(decodeNetwork(device.local("ip-config")))],
      ["/config/log-config", encodeLoggingV0(decodeLogging(device.local("log-config")))],
      ...slot("attended"),
      ...slot("unattended"),
    ]),
  };
}

function lockedDomainKey(device: Device): Uint8Array {
  const locked = device.slot("attended");
  if (locked === undefined) throw new TypeError("a provisioned device has a locked domain key");
  return locked;
}
