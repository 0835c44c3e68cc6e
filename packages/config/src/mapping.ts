/** From a Unix user to what it may do. */
import { ConfigError } from "./errors.ts";
import type { Config, Mapping, SshMapping, SystemMapping } from "./model.ts";
import type { SystemUserId } from "./system-user.ts";

/** The program that sshd starts for a user of each kind, whatever the client asks for. */
export const forceCommands = {
  backup: "signstar-download-backup",
  metrics: "signstar-download-metrics",
  signing: "signstar-download-signature",
  "share-download": "signstar-download-secret-share",
  "share-upload": "signstar-upload-secret-share",
  "wireguard-download": "signstar-download-wireguard",
  "key-certificates": "signstar-download-key-certificate",
  "backup-upload": "signstar-upload-backup",
  "update-upload": "signstar-upload-update",
} as const satisfies Record<SshMapping["kind"], string>;

/**
 * The mapping of a Unix user, which must be of one of these kinds. Throws ConfigError `no-mapping` (exit 67): sshd has
 * started a program for a user that it is not meant for.
 */
export function mappingFor<K extends SystemMapping["kind"]>(
  config: Config,
  systemUser: SystemUserId,
  kinds: readonly K[],
): Extract<Mapping, { kind: K }> {
  const mapping = systemMappings(config).find((candidate) => candidate.systemUser === systemUser);
  if (mapping === undefined) throw noMapping(`config has no mapping for user ${systemUser}`);
  if (isOfKind(mapping, kinds)) return mapping;
  throw noMapping(`user ${systemUser} has a mapping of kind ${mapping.kind}, not ${kinds.join(" or ")}`);
}

export function systemMappings(config: Config): readonly SystemMapping[] {
  return config.mappings.filter((mapping) => mapping.kind !== "admin");
}

export function sshMappings(config: Config): readonly SshMapping[] {
  return systemMappings(config).filter((mapping) => mapping.kind !== "hermetic-metrics");
}

export function mappingsOfKind<K extends Mapping["kind"]>(
  config: Config,
  kind: K,
): readonly Extract<Mapping, { kind: K }>[] {
  return config.mappings.filter((mapping) => isOfKind(mapping, [kind]));
}

function isOfKind<K extends Mapping["kind"]>(
  mapping: Mapping,
  kinds: readonly K[],
): mapping is Extract<Mapping, { kind: K }> {
  const wanted: readonly string[] = kinds;
  return wanted.includes(mapping.kind);
}

function noMapping(message: string): ConfigError {
  return new ConfigError("no-mapping", message, {
    hint: "run signstar-configure-build with the config that is in use, and check that it is the one which is read",
  });
}
