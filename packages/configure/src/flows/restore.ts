import { join } from "node:path";
import { formatKeyRef } from "@signstar/config/key-ref";
import { writeStreamAtomic } from "@signstar/host/atomic-file";
import { streamSafeFile } from "@signstar/host/safe-file";
import { messageOf } from "@signstar/primitives/failure";
import { type AdminSecrets, HeldSecrets } from "../admin-secrets.ts";
import { unlessLost } from "../answer-lost.ts";
import { applyOnce } from "../apply-site.ts";
import { administratorLogin } from "../authenticates.ts";
import type { Device } from "../device.ts";
import { applySettings } from "../device-settings.ts";
import { ConfigureError } from "../errors.ts";
import { takeBackup } from "../keep-backup.ts";
import { KeptBackups } from "../kept-backups.ts";
import type { Run } from "../run.ts";
import { connectionsOf, type Site } from "../site.ts";
import { type BackupContent, openValues, readBackupContent } from "./backup-content.ts";
import { administrate, type Met, meeting } from "./each-device.ts";
import { wrongState } from "./power.ts";
import { untilReachable } from "./restart.ts";
import { type Staged, withStaged } from "./staged.ts";

/**
 * Restores the staged backup into the leading device and makes the site what the configuration says: settings first,
 * then users, passphrases and the devices that follow. Of an Operational device a backup is kept before, as
 * `before-restore.bkp`. Afterwards the staged file is gone. Interrupted at any point, it finishes when it is run again.
 *
 * @throws ConfigureError no-staged-file, unfit-file, foreign-backup, conflict: nothing was changed; and what applySite throws
 */
export function restoreSite(site: Site, secrets: AdminSecrets, { sha256 }: { readonly sha256: string }): Promise<void> {
  return withStaged(site, "backup", sha256, async (file) => {
    const content = await readBackupContent(() => file.open(), secrets, site.desired);
    const [leader] = connectionsOf(site.config);
    const store = new HeldSecrets(secrets);
    await meeting(site, secrets, leader, (met) => restoreInto(site, met, { file, content, sha256 }));
    // It may be Locked now, have another certificate, and know us by other passphrases.
    await untilReachable(site, leader);
    await meeting(site, secrets, leader, (met) => {
      if (met.state !== "Unprovisioned") return administrate(site, met);
      throw new ConfigureError("device-failed", `${leader.url} has not taken the backup`, { hint: "do it again" });
    });
    await applySettings(site, store, { network: true });
    await untilReachable(site, leader);
    const config = { ...site.config, iteration: secrets.current.iteration };
    await applyOnce({ ...site, config }, store, { rotate: true });
    // In this order: of what a finished restore has left, no second one is to take a backup in the place of the first.
    file.discard();
    new KeptBackups(site.place, site.desired).endRestore();
  });
}

interface Restore {
  readonly file: Staged;
  readonly content: BackupContent;
  readonly sha256: string;
}

async function restoreInto(site: Site, met: Met, { file, content, sha256 }: Restore): Promise<void> {
  const { run, state, connection } = met;
  const { backupPassphrase } = content;
  if (state === "Failed") throw wrongState(state, "restored");
  if (state === "Unprovisioned") {
    trustCertificates(met, content.tlsPin);
    run.backups.beginRestore();
    const restored = run.device.system.restore({ backup: file.open(), backupPassphrase, systemTime: site.now() });
    // With another certificate from then on, it may end the connection over it.
    await unlessLost(restored);
  } else {
    const device = await administrate(site, met);
    await requireAllKeys(met, device, content);
    // If one was begun before, what is on the device now is not what was there before.
    if (!run.backups.isRestoring) await keepBefore(site, run);
    run.backups.beginRestore();
    await device.system.restore({ backup: file.open(), backupPassphrase });
  }
  site.done(connection.url, { kind: "restore", state, sha256 });
}

/** Whole, and proved to open with what is known of it, before it takes the place of the one before. */
async function keepBefore({ place }: Site, run: Run): Promise<void> {
  const name = "before-restore.bkp";
  // Emptied with what else is in use, whatever becomes of it.
  const copy = join(place.paths.staging.inUse, name);
  await takeBackup(run, (stream) => writeStreamAtomic(copy, { mode: 0o600, ...place.owner }, passOn(stream)));
  const open = () => {
    const { size, pieces } = streamSafeFile(copy, { owners: [place.owner.uid], mode: "private" });
    return { size, chunks: pieces };
  };
  try {
    await openValues(open, run.requireSecrets());
  } catch (cause) {
    if (!(cause instanceof ConfigureError)) throw cause;
    throw new ConfigureError(
      "bad-backup",
      `nothing is restored, since a backup of what is there is no use: ${messageOf(cause)}`,
      {
        cause,
        hint: "see to the device's backup passphrase, or reset the device first if nothing on it matters",
      },
    );
  }
  await run.backups.keep(passOn(open().chunks), name);
}

function passOn(pieces: AsyncIterable<Uint8Array>) {
  return async (write: (piece: Uint8Array) => void): Promise<void> => {
    for await (const piece of pieces) write(piece);
  };
}

/** Its certificate after the restore is that of the backup: trusted before, so that it can be met again. */
function trustCertificates({ run, connection, firstPin }: Met, restored: string): void {
  const { url, tls } = connection;
  if (tls.mode !== "pinned") return;
  if (firstPin !== undefined) run.files.addTlsPin(url, firstPin);
  run.files.addTlsPin(url, restored);
}

/** The device would lose keys that the backup lacks. Throws ConfigureError (conflict). */
async function requireAllKeys({ run }: Met, device: Device, { keys }: BackupContent): Promise<void> {
  const onDevice = await keysOn(run, device);
  const lost = run.desired.keys.filter((key) => onDevice.has(formatKeyRef(key)) && !keys.has(formatKeyRef(key)));
  if (lost.length === 0) return;
  const labels = lost.map(formatKeyRef).join(", ");
  throw new ConfigureError(
    "conflict",
    `the backup lacks keys of the configuration, which the device would lose: ${labels}`,
    {
      hint: "take a newer backup, or the keys out of the configuration",
    },
  );
}

/** Labels of all keys that we can see: those of a namespace as one of its administrators. */
async function keysOn(run: Run, device: Device): Promise<ReadonlySet<string>> {
  const labels = new Set((await device.keys.list()).map((keyId) => formatKeyRef({ namespace: undefined, keyId })));
  const existing = new Set(await device.namespaces.list());
  for (const { id: namespace, administrators } of run.desired.namespaces) {
    if (!existing.has(namespace)) continue;
    for (const user of administrators) {
      const login = await administratorLogin(run, user);
      if (login !== "current" && login !== "previous") continue;
      for (const keyId of await run.as(user).keys.list()) labels.add(formatKeyRef({ namespace, keyId }));
      break;
    }
  }
  return labels;
}
