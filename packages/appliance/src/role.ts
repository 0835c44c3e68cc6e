import { mappingFor, systemMappings } from "@signstar/config/mapping";
import type { Config, Mapping, SystemMapping } from "@signstar/config/model";
import { parseSystemUserId } from "@signstar/config/system-user";
import type { Caller } from "@signstar/host/caller";
import { ApplianceError } from "./errors.ts";

/**
 * The caller's mapping, which must be of one of these kinds. Throws ConfigError (67: none), ApplianceError (77: the
 * caller has another role).
 */
export function mappingOf<K extends SystemMapping["kind"]>(
  config: Config,
  caller: Caller,
  kinds: readonly K[],
): Extract<Mapping, { kind: K }> {
  const systemUser = parseSystemUserId(caller.name);
  const mapping = systemMappings(config).find((candidate) => candidate.systemUser === systemUser);
  const wanted: readonly string[] = kinds;
  if (mapping !== undefined && !wanted.includes(mapping.kind)) {
    const message = `user ${systemUser} has a mapping of kind ${mapping.kind}, not ${kinds.join(" or ")}`;
    throw new ApplianceError("wrong-role", message);
  }
  return mappingFor(config, systemUser, kinds);
}
