/** Settings in a backup that no device could work with: refused before anything is changed. */
import { openBackup } from "@signstar/nethsm-backup/read";
import { writeBackup } from "@signstar/nethsm-backup/write";
import { toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { expect, test, vi } from "vitest";
import { freshBytes, seal } from "./seal.ts";
import { backupOf, restore, state, withDevices, withKey } from "./testing/backups.ts";
import { login, type ProvisionedSoftNethsm, startSoftNethsm, testUsers } from "./testing.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const admin = login(testUsers.admin);

/** The backup again with other settings in it, as everybody can who has the backup passphrase. */
async function altered(
  hsm: ProvisionedSoftNethsm,
  settings: Readonly<Record<string, Uint8Array>>,
): Promise<Uint8Array> {
  const passphrase = Secret.fromText(hsm.backupPassphrase);
  const { header, items } = await openBackup([await backupOf(hsm)], passphrase);
  const { deviceId, configStoreKey } = header;
  const contents = new Map<string, Uint8Array>();
  for await (const { path, value } of items) contents.set(path, value);
  for (const [name, value] of Object.entries(settings)) {
    if (deviceId === undefined || configStoreKey === undefined) contents.set(`/config/${name}`, value);
    else if (name.startsWith("backup-")) contents.set(`/config/${name}`, value);
    else {
      const path = `/local/${deviceId}/config/${name}`;
      contents.set(path, seal(Secret.take(configStoreKey.slice()), path, value));
    }
  }
  const written = [...contents].map(([path, value]) => ({ path, value }));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeBackup({ header, items: written }, passphrase, freshBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.each([
  ["5.0", "ip-config", "{}"],
  ["5.0", "ip-config", '{"ipv4":{"cidr":"192.168.1.1/99","gateway":null}}'],
  ["5.0", "log-config", "none"],
  ["5.0", "unattended-boot", "maybe"],
  ["5.0", "time-offset", "1e9"],
  ["5.0", "certificate", "none"],
  ["2.2", "ip-config", "short"],
  ["2.2", "unattended-boot", ""],
  ["2.2", "backup-salt", "short"],
  ["2.2", "backup-key", "short"],
] as const)("a backup of %s whose %s is %j is refused by a new device", (release, name, value) =>
  withDevices(async (keep) => {
    const source = keep(await withKey(release));
    const target = keep(await startSoftNethsm());
    const { backupPassphrase } = source;
    const file = await altered(source, { [name]: toUtf8(value) });
    expect((await restore(target, file, { backupPassphrase })).status).toBe(400);
    expect(await state(target)).toEqual({ state: "Unprovisioned" });
    const same = await altered(source, {});
    expect((await restore(target, same, { backupPassphrase })).status).toBe(204);
  }),
);

test("a device refuses its own backup with another backup key in it", () =>
  withDevices(async (keep) => {
    const hsm = keep(await withKey("5.0"));
    const file = await altered(hsm, { "backup-key": freshBytes(60) });
    expect((await restore(hsm, file, {}, admin)).status).toBe(400);
    await backupOf(hsm);
  }));
