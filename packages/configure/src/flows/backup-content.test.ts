/** The synthetic backups of the conformance cases: made by independent code, their secrets are public. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseUserId } from "@signstar/nethsm/ids";
import { Secret } from "@signstar/primitives/secret";
import { expect, test } from "vitest";
import { readBackupContent } from "./backup-content.ts";

const files = join(import.meta.dirname, "../../../../test/conformance/files");
const current = {
  iteration: 3,
  backupPassphrase: Secret.fromText("backupPassphrase"),
  unlockPassphrase: Secret.fromText("unlockPassphrase"),
  administrators: new Map([[parseUserId("admin"), Secret.fromText("adminPassphrase")]]),
};

test.each([0, 1])("what a backup of version %i would bring is known", async (version) => {
  const bytes = readFileSync(join(files, `synthetic-backup-v${version}.bin`));
  const secrets = { current, previous: undefined };
  const content = await readBackupContent(() => ({ chunks: [bytes] }), secrets, { namespaces: [] });
  expect([...content.keys]).toEqual(expect.arrayContaining(["k1"]));
  expect([...content.keys].every((label) => /^(?:[A-Za-z0-9]+~)?[A-Za-z0-9]+$/.test(label))).toBe(true);
  expect(content.tlsPin).toMatch(/^[0-9a-f]{64}$/);
  expect(content.backupPassphrase.equals(current.backupPassphrase)).toBe(true);
});
