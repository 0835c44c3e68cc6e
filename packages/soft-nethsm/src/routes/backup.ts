/** Backup and restore. */

import { equal } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { rootOnly } from "../access.ts";
import { makeBackup } from "../backup.ts";
import { object, optional, readJson, readTime, text } from "../body.ts";
import type { Device } from "../device.ts";
import { bytes, done, mediaTypes, Refusal } from "../http.ts";
import { readParts } from "../multipart.ts";
import { readBackup } from "../read-backup.ts";
import { has } from "../release.ts";
import { type Context, limits, type Resource } from "../resource.ts";
import { restorePartly, restoreWhole } from "../restore.ts";
import { passphraseKey } from "../seal.ts";

const argumentsBody = object({ backupPassphrase: optional(text), systemTime: optional(text) });
const longestArguments = 1024;

export const backupRoutes: readonly Resource[] = [
  {
    path: "/system/backup",
    operations: {
      POST: {
        allow: rootOnly("Backup"),
        type: mediaTypes.bytes,
        run: async ({ device }) => {
          const answer = bytes(await makeBackup(device), mediaTypes.bytes);
          return { ...answer, headers: { ...answer.headers, "cache-control": "no-cache" } };
        },
      },
    },
  },
  {
    path: "/system/restore",
    states: ["Unprovisioned", "Operational"],
    operations: {
      POST: {
        allow: rootOnly("Administrator"),
        publicIn: ["Unprovisioned"],
        accepts: [mediaTypes.form],
        limit: limits.file,
        changes: true,
        run: restore,
      },
    },
  },
];

/** The parts count by their order, whatever their names. */
async function restore({ device, contentType }: Context, body: Uint8Array) {
  const [settings, file] = readParts(body, contentType ?? "");
  if (settings === undefined || file === undefined) throw new Refusal(400, "Form needs arguments and a backup file.");
  if (settings.content.length > longestArguments) throw new Refusal(400, "Meta data is too large.");
  const { backupPassphrase, systemTime } = readJson(settings.content, argumentsBody);
  // Taken now: the clock runs on while the file is read.
  const timeOffset = systemTime === undefined ? undefined : device.offsetFor(readTime(systemTime));
  const backup = await readBackup(file.content, (salt) => backupKey(device, salt, backupPassphrase));
  if (backup.version === 1 && !has(device.release, "backupV1")) throw new Refusal(400, "Unknown backup version 1.");
  if (device.state === "Operational") await restorePartly(device, backup, timeOffset);
  else await restoreWhole(device, backup, timeOffset);
  return done();
}

/** Since 3.0 an Operational device opens a backup of its own passphrase without being told it. */
async function backupKey(device: Device, salt: Uint8Array, passphrase: string | undefined): Promise<Secret> {
  if (passphrase !== undefined) return passphraseKey(passphrase, salt);
  if (device.state === "Operational" && has(device.release, "restoreWithoutPassphrase")) {
    const own = device.vault.shared("backup-salt");
    const key = device.vault.shared("backup-key");
    if (own !== undefined && key !== undefined && equal(own, salt)) return Secret.take(key);
  }
  throw new Refusal(400, "No backupPassphrase provided");
}
