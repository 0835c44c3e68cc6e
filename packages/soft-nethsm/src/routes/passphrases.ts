/** The two passphrases of the device itself, and whether it starts without one. */
import { switches } from "@signstar/nethsm/types";
import { Secret } from "@signstar/primitives/secret";
import { rootOnly } from "../access.ts";
import { object, oneOf, readJson, readPassphrase, text } from "../body.ts";
import type { Device } from "../device.ts";
import { done, json, mediaTypes, Refusal } from "../http.ts";
import { changeUnlockPassphrase, isUnattended, setUnattended } from "../lifecycle.ts";
import { paths } from "../paths.ts";
import type { Resource } from "../resource.ts";
import { freshBytes, passphraseKey, saltLength } from "../seal.ts";
import { recordTag } from "../tag.ts";

const allow = rootOnly("Administrator");
const changeBody = object({ newPassphrase: text, currentPassphrase: text });
const switchBody = object({ status: oneOf(...switches) });

export const passphraseRoutes: readonly Resource[] = [
  changing("/config/unlock-passphrase", changeUnlockPassphrase),
  changing("/config/backup-passphrase", changeBackupPassphrase),
  {
    path: "/config/unattended-boot",
    tag: ({ device }) => recordTag(device, paths.local(device.id, "unattended-boot")),
    operations: {
      GET: { allow, run: ({ device }) => json({ status: isUnattended(device) ? "on" : "off" }) },
      PUT: {
        allow,
        accepts: [mediaTypes.json],
        changes: true,
        run: async ({ device }, body) => {
          await setUnattended(device, readJson(body, switchBody).status === "on");
          return done();
        },
      },
    },
  },
];

/** PUT with the current and the new passphrase, of which the new one has the length that a device wants. */
function changing(path: string, change: (device: Device, current: string, next: string) => Promise<void>): Resource {
  return {
    path,
    operations: {
      PUT: {
        allow,
        accepts: [mediaTypes.json],
        changes: true,
        run: async ({ device }, body) => {
          const { newPassphrase, currentPassphrase } = readJson(body, changeBody);
          await change(device, currentPassphrase, readPassphrase(newPassphrase, "newPassphrase"));
          return done();
        },
      },
    },
  };
}

/** The first time the current passphrase is empty. */
async function changeBackupPassphrase(device: Device, current: string, next: string): Promise<void> {
  const { vault } = device;
  const salt = vault.shared("backup-salt");
  const key = vault.shared("backup-key");
  const isCurrent =
    salt === undefined || key === undefined
      ? current === ""
      : (await passphraseKey(current, salt)).equals(Secret.take(key));
  if (!isCurrent) throw new Refusal(403, "backup passphrase is incorrect.");
  const newSalt = freshBytes(saltLength);
  const newKey = await passphraseKey(next, newSalt);
  await device.commit(
    new Map([vault.sealShared("backup-salt", newSalt), newKey.use((bytes) => vault.sealShared("backup-key", bytes))]),
  );
}
