/** The synthetic backups of the conformance cases: made by independent code, their secrets are public. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseUserId } from "@signstar/nethsm/ids";
import { Secret } from "@signstar/primitives/secret";
import { describe, expect, test } from "vitest";
import type { AdminCredentials } from "../admin-credentials.ts";
import { leadingAdministrator } from "../desired.ts";
import { readBackupContent } from "./backup-content.ts";

const files = join(import.meta.dirname, "../../../../test/conformance/files");
const desired = { administrators: [leadingAdministrator], namespaces: [], users: [], keys: [], removal: { keys: [], namespaces: [] } };
const credentials = (admin: string, iteration = 1): AdminCredentials => ({
  iteration,
  backupPassphrase: Secret.fromText("backupPassphrase"),
  unlockPassphrase: Secret.fromText("unlockPassphrase"),
  administrators: new Map([[parseUserId("admin"), Secret.fromText(admin)]]),
});
