/** `--assign-uids`: gives numbers to the users that `uids.toml` does not list yet. */
import { systemMappings } from "@signstar/config/mapping";
import type { Config } from "@signstar/config/model";
import { type Uids, uidRange } from "@signstar/config/uids";
import { ConfigureBuildError } from "./errors.ts";

/** The lines to add, in the order of the config; lines that are there stay, also those of users that are gone. */
export function missingUids(config: Config, listed: Uids): readonly string[] {
  const names = systemMappings(config)
    .map(({ systemUser }) => systemUser)
    .filter((name) => !listed.has(name));
  const first = Math.max(uidRange.min - 1, ...listed.values()) + 1;
  if (names.length > 0 && first + names.length - 1 > uidRange.max) {
    throw new ConfigureBuildError("uid-taken", `no uid up to ${uidRange.max} is left above those in uids.toml`);
  }
  return names.map((name, i) => `${name} = ${first + i}`);
}
