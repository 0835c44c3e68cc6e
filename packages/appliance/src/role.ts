import { mappingFor, systemMappings } from "@signstar/config/mapping";
import type { Config, Mapping, SystemMapping } from "@signstar/config/model";
import type { Caller } from "@signstar/host/caller";
import { ApplianceError } from "./errors.ts";

/**
 * The caller's mapping, which must be of one of these kinds. Throws ApplianceError (67: there is none; 77: the caller
 * has another role).
 */
export function mappingOf<K extends SystemMapping["kind"]>(
  config: Config,
  caller: Caller,
  kinds: readonly K[],
): Extract<Mapping, { kind: K }> {
  const mapping = systemMappings(config).find(({ systemUser }) => systemUser === caller.name);
  // Not parsed before: a name that cannot stand in a config has no mapping, like any other that does not.
  if (mapping === undefined) throw new ApplianceError("no-mapping", `config has no mapping for user ${caller.name}`);
  const wanted: readonly string[] = kinds;
  if (!wanted.includes(mapping.kind)) {
    const message = `user ${caller.name} has a mapping of kind ${mapping.kind}, not ${kinds.join(" or ")}`;
    throw new ApplianceError("wrong-role", message);
  }
  return mappingFor(config, mapping.systemUser, kinds);
}
