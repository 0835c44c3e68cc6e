/** From a running device to a backup in either version. */

import { storeKey } from "@signstar/nethsm-backup/crypto";
import { type BackupContents, writeBackupWithKey } from "@signstar/nethsm-backup/write";
import { concat, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import type { Device } from "./device.ts";
import { Refusal } from "./http.ts";
import { type LocalSetting, paths, prefixes, type Slot } from "./paths.ts";
import { has } from "./release.ts";
import { freshBytes, seal } from "./seal.ts";
import { decodeLogging, decodeNetwork, encodeLoggingV0, encodeNetworkV0 } from "./settings.ts";

/** Throws Refusal 412 without a backup passphrase. Counters are those of the last flush, as on the device. */
export async function makeBackup(device: Device): Promise<Uint8Array> {
  const salt = device.vault.shared("backup-salt");
  const key = device.vault.shared("backup-key");
  if (salt === undefined || key === undefined) {
    throw new Refusal(412, "Please configure backup key before doing a backup.");
  }
  const contents = has(device.release, "backupV1") ? version1(device, salt) : version0(device, salt, key);
  // The contents are taken before the first byte is written: what changes meanwhile is not in it.
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeBackupWithKey(contents, Secret.take(key.slice()), freshBytes)) chunks.push(chunk);
  return concat(...chunks);
}

/** The records as they are, but for what identifies this device. */
function version1(device: Device, salt: Uint8Array): BackupContents {
  const records = [...device.records].filter(([path]) => !path.startsWith(prefixes.device));
  return {
    header: {
      version: 1,
      salt,
      lockedDomainKey: lockedDomainKey(device),
      deviceId: device.id,
      configStoreKey: storeKey(device.deviceKey, "early_config_store").use((bytes) => bytes.slice()),
    },
    items: records.map(([path, value]) => ({ path, value })),
  };
}

/** Settings in the clear (under the backup key alone), in the older encodings. */
function version0(device: Device, backupSalt: Uint8Array, backupKey: Uint8Array): BackupContents {
  const dropped = [prefixes.device, prefixes.local, prefixes.config];
  const stores: [string, Uint8Array][] = [...device.records].filter(
    ([path]) => !dropped.some((prefix) => path.startsWith(prefix)),
  );
  const entry = (path: string, value: Uint8Array): [string, Uint8Array] => [path, value];
  const plain = (name: LocalSetting): [string, Uint8Array] => [`/config/${name}`, device.local(name)];
  const slot = (name: Slot): [string, Uint8Array][] => {
    const value = device.slot(name);
    return value === undefined ? [] : [[`/domain-key/${name}`, seal(device.deviceKey, `domain-key${name}`, value)]];
  };
  return {
    header: {
      version: 0,
      salt: backupSalt,
      lockedDomainKey: lockedDomainKey(device),
      deviceId: undefined,
      configStoreKey: undefined,
    },
    items: [
      ...stores,
      entry("/config/version", toUtf8("0")),
      entry(paths.shared("backup-salt"), backupSalt),
      entry(paths.shared("backup-key"), backupKey),
      plain("unlock-salt"),
      plain("certificate"),
      plain("private-key"),
      plain("time-offset"),
      plain("unattended-boot"),
      entry("/config/ip-config", encodeNetworkV0(decodeNetwork(device.local("ip-config")))),
      entry("/config/log-config", encodeLoggingV0(decodeLogging(device.local("log-config")))),
      ...slot("attended"),
      ...slot("unattended"),
    ].map(([path, value]) => ({ path, value })),
  };
}

function lockedDomainKey(device: Device): Uint8Array {
  const locked = device.slot("attended");
  if (locked === undefined) throw new TypeError("a provisioned device has a locked domain key");
  return locked;
}
