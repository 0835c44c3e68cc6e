/**
 * What mappings claim for themselves: names, keys and tags that nobody else may have. Claims are noted while the file
 * is read, also those of mappings that are broken elsewhere, so that duplicates are reported with everything else.
 */
import type { KeyId, NamespaceId, RestrictionTag, UserId } from "@signstar/nethsm/ids";
import type { AuthorizedKey } from "./authorized-key.ts";
import type { Mapping } from "./model.ts";
import type { Path } from "./path.ts";
import type { SystemUserId } from "./system-user.ts";

export interface Claim<T> {
  readonly value: T;
  readonly path: Path;
  readonly kind: Mapping["kind"];
}

/** A name that has a meaning within one namespace, or system-wide. */
export interface Scoped<T> {
  readonly namespace: NamespaceId | undefined;
  readonly name: T;
}

export interface Claims {
  /** One for each mapping. */
  readonly mappings: Claim<undefined>[];
  readonly systemUsers: Claim<SystemUserId>[];
  readonly hsmUsers: Claim<UserId>[];
  readonly sshKeys: Claim<AuthorizedKey>[];
  readonly keys: Claim<Scoped<KeyId>>[];
  readonly tags: Claim<Scoped<RestrictionTag>>[];
}

export function noClaims(): Claims {
  return { mappings: [], systemUsers: [], hsmUsers: [], sshKeys: [], keys: [], tags: [] };
}
