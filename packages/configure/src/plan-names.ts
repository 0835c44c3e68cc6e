import { isValidBeforeRelease3, type KeyId, type RestrictionTag, type UserId } from "@signstar/nethsm/ids";
import type { Planning } from "./planning.ts";

/** Devices before release 3.0 know only letters and digits. */
export function planNames({ desired, contents, conflicts }: Planning): void {
  const { softwareVersion } = contents;
  if (softwareVersion === undefined || Number.parseInt(softwareVersion, 10) >= 3) return;
  const names = new Set<UserId | KeyId | RestrictionTag>([
    ...desired.administrators,
    ...desired.namespaces.flatMap(({ administrators }) => administrators),
    ...desired.users.map(({ id }) => id),
    ...desired.keys.flatMap(({ keyId, tags }) => [keyId, ...tags]),
  ]);
  for (const name of names) {
    if (isValidBeforeRelease3(name)) continue;
    conflicts.push(`"${name}" is no name for this device: release ${softwareVersion} knows letters and digits only`);
  }
}
