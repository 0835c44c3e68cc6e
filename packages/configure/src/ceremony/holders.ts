import { mappingsOfKind } from "@signstar/config/mapping";
import type { AuthorizedKey, Config } from "@signstar/config/model";
import type { SystemUserId } from "@signstar/config/system-user";
import type { KnownSet } from "@signstar/host/ceremony-state";
import { ConfigureError } from "../errors.ts";

/** Who gets a share: one for each SSH key of the share-download mappings, in the configuration's order. */
export interface ShareHolder {
  readonly user: SystemUserId;
  readonly fingerprint: string;
  /** The same digest as it stands in file names. */
  readonly hex: string;
}

export function shareHolders(config: Config): readonly ShareHolder[] {
  return mappingsOfKind(config, "share-download").flatMap(({ systemUser, authorizedKeys }) =>
    authorizedKeys.map((key) => holderOf(systemUser, key)),
  );
}

/** Who may hand in a share. */
export function handerKeys(config: Config): readonly ShareHolder[] {
  return mappingsOfKind(config, "share-upload").flatMap(({ systemUser, authorizedKeys }) =>
    authorizedKeys.map((key) => holderOf(systemUser, key)),
  );
}

function holderOf(user: SystemUserId, { fingerprint, fingerprintHex }: AuthorizedKey): ShareHolder {
  return { user, fingerprint, hex: fingerprintHex };
}

export interface Sharing {
  readonly iteration: number;
  readonly threshold: number;
  readonly holders: readonly ShareHolder[];
}

/** How the configuration wants the admin secret shared. Throws ConfigureError (`too-few-holders`, exit 78). */
export function sharingOf(config: Config): Sharing | undefined {
  const { adminSecretHandling: handling, iteration } = config;
  if (handling.kind !== "shamirs-secret-sharing") return undefined;
  const holders = shareHolders(config);
  if (holders.length < 2 || handling.threshold < 2) {
    throw new ConfigureError("too-few-holders", `the admin secret cannot be shared among ${holders.length}`, {
      hint: "two share-download keys are needed at least, and a threshold of two",
    });
  }
  return { iteration, threshold: handling.threshold, holders };
}

/** Whether a set is what the configuration wants: made of the right secret, for the right holders. */
export function wants({ iteration, threshold, holders }: Sharing, set: Omit<KnownSet, "standing">): boolean {
  const fingerprints = holders.map(({ fingerprint }) => fingerprint);
  return (
    set.iteration === iteration &&
    set.threshold === threshold &&
    set.numberOfShares === holders.length &&
    set.holders.toSorted().join() === fingerprints.sort().join()
  );
}
