/** Provisioning, unlocking and what else moves the domain key between its wrappings. */
import { BackupError } from "@signstar/nethsm-backup/errors";
import { lockDomainKey, openDomainKey } from "@signstar/nethsm-backup/stores";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { newUser } from "./auth.ts";
import type { Device } from "./device.ts";
import { Refusal } from "./http.ts";
import { paths } from "./paths.ts";
import { freshBytes, keyLength, nonceLength, passphraseKey, saltLength } from "./seal.ts";
import { Vault } from "./vault.ts";

/** From Unprovisioned to Operational, with the user `admin`. */
export async function provision(
  device: Device,
  input: { unlockPassphrase: string; adminPassphrase: string; systemTime: number },
): Promise<void> {
  const domainKey = Secret.take(freshBytes(keyLength));
  const admin = newUser("admin", "Administrator", input.adminPassphrase);
  await device.commit(
    new Map([
      ...Vault.initial(domainKey, admin),
      ...(await lockChanges(device, domainKey, input.unlockPassphrase)),
      device.sealLocal("time-offset", device.offsetFor(input.systemTime)),
    ]),
  );
  await device.open(domainKey);
}

/** Throws Refusal 403 when the passphrase is not the one. */
export async function unlock(device: Device, passphrase: string): Promise<void> {
  const domainKey = await unlockedDomainKey(device, passphrase);
  if (domainKey === undefined) throw new Refusal(403, "Unlock failed: the passphrase is incorrect.");
  await device.open(domainKey);
}

/** The domain key if this is the unlock passphrase, else undefined. */
export async function unlockedDomainKey(device: Device, passphrase: string): Promise<Secret | undefined> {
  const locked = device.slot("attended");
  if (locked === undefined) return undefined;
  try {
    return await openDomainKey(locked, Secret.fromText(passphrase), device.local("unlock-salt"));
  } catch (cause) {
    if (cause instanceof BackupError && cause.code === "wrong-unlock-passphrase") return undefined;
    throw cause;
  }
}

export async function lock(device: Device): Promise<void> {
  await device.flush();
  device.close();
}

/** Throws Refusal 403 when `current` is not the unlock passphrase. */
export async function changeUnlockPassphrase(device: Device, current: string, next: string): Promise<void> {
  if ((await unlockedDomainKey(device, current)) === undefined) {
    throw new Refusal(403, "unlock passphrase is incorrect.");
  }
  await device.commit(new Map(await lockChanges(device, device.vault.domainKey, next)));
}

export function isUnattended(device: Device): boolean {
  return fromUtf8(device.local("unattended-boot")) === "1";
}

/** On: the domain key is also kept under the device key alone. */
export async function setUnattended(device: Device, on: boolean): Promise<void> {
  const slot = paths.slot(device.id, "unattended");
  const setting = device.sealLocal("unattended-boot", toUtf8(on ? "1" : "0"));
  await device.commit(
    new Map<string, Uint8Array | undefined>([
      setting,
      on ? device.vault.domainKey.use((key) => device.sealSlot("unattended", key)) : [slot, undefined],
    ]),
  );
}

export async function reboot(device: Device): Promise<void> {
  await device.flush();
  await device.boot();
}

async function lockChanges(
  device: Device,
  domainKey: Secret,
  passphrase: string,
): Promise<readonly [string, Uint8Array][]> {
  const salt = freshBytes(saltLength);
  const locked = lockDomainKey(domainKey, await passphraseKey(passphrase, salt), freshBytes(nonceLength));
  return [device.sealLocal("unlock-salt", salt), device.sealSlot("attended", locked)];
}
