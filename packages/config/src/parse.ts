import { noClaims } from "./claims.ts";
import { readConnections } from "./connections.ts";
import { readDevice } from "./device.ts";
import { parseDocument } from "./document.ts";
import type { Field } from "./field.ts";
import type { Findings } from "./findings.ts";
import { readMapping } from "./mappings.ts";
import type { Config, Mapping } from "./model.ts";
import { checkRules } from "./rules.ts";
import { readAdminHandling, settleAdminHandling } from "./secret-handling.ts";
import { readAppliance, readLog, readRemoval } from "./settings.ts";

const keys = [
  "iteration",
  "admin_secret_handling",
  "non_admin_secret_handling",
  "connections",
  "users",
  "appliance",
  "log",
  "removal",
  "device",
] as const;

/**
 * Reads the TOML of a config: the grammar of December 2024, that of 2025, and what this project adds.
 * Throws ConfigError (exit 78) with all problems of the file, each with its table path and line.
 */
export function parseConfig(text: string): Config {
  const { value, warnings } = parseDocument(text, "config", readConfig);
  return { ...value, warnings };
}

function readConfig(document: Field, findings: Findings): Omit<Config, "warnings"> | undefined {
  const root = document.table(keys);
  if (root === undefined) return undefined;
  const iteration = root.required("iteration")?.integer(0, 0xffff_ffff);
  const handling = readAdminHandling(root.optional("admin_secret_handling"));
  const otherField = root.optional("non_admin_secret_handling");
  const nonAdminSecretHandling = otherField ? otherField.choice(["plaintext", "systemd-creds"]) : "systemd-creds";
  const connections = readConnections(root.required("connections"));

  const claims = noClaims();
  const usersField = root.required("users");
  const mappings = readUsers(usersField, (entry) => readMapping(entry, claims));
  checkRules(claims, handling && handling.kind === "shamirs-secret-sharing", ["users"], findings);

  const holders = new Set(
    claims.sshKeys.filter(({ kind }) => kind === "share-download").map(({ value }) => value.data),
  );
  // The number of holders means nothing while a mapping is broken.
  const adminSecretHandling = mappings && handling && settleAdminHandling(handling, holders.size);
  if (adminSecretHandling?.kind === "shamirs-secret-sharing" && holders.size < 2) {
    findings.warn(["users"], `${holders.size} share holder: signstar-configure needs two at least`);
  }

  const rest = {
    appliance: readAppliance(root.optional("appliance")),
    log: readLog(root.optional("log")),
    removal: readRemoval(root.optional("removal"), claims),
    device: readDevice(root.optional("device")),
  };
  if (iteration === undefined || connections === undefined || mappings === undefined) return undefined;
  if (adminSecretHandling === undefined || nonAdminSecretHandling === undefined) return undefined;
  return { iteration, adminSecretHandling, nonAdminSecretHandling, connections, mappings, ...rest };
}

function readUsers(
  field: Field | undefined,
  read: (entry: Field) => Mapping | undefined,
): readonly Mapping[] | undefined {
  const mappings = field?.distinct()?.map(read);
  const good = mappings?.filter((mapping) => mapping !== undefined);
  return good?.length === mappings?.length ? good : undefined;
}
