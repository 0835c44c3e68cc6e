/** The admin credentials as one secret, sealed and shared. */
import { randomBytes } from "node:crypto";
import type { Secret } from "@signstar/primitives/secret";
import { openSealed, sealContent } from "@signstar/secret-sharing/sealed";
import { encodeShare, setDigest, sha256 } from "@signstar/secret-sharing/share";
import { splitSecret } from "@signstar/secret-sharing/split";
import { type AdminCredentials, encodeAdminCredentials, parseAdminCredentials } from "../admin-credentials.ts";
import type { AdminSecrets } from "../admin-secrets.ts";
import type { ShareHolder, Sharing } from "./holders.ts";

export function sealCredentials(credentials: AdminCredentials): Secret {
  const content = encodeAdminCredentials(credentials);
  try {
    return sealContent(content, randomBytes);
  } finally {
    content.fill(0);
  }
}

/** Throws SharingError (damaged-secret), ConfigureError (bad-credentials). */
function openCredentials(sealed: Secret): AdminCredentials {
  const content = openSealed(sealed);
  try {
    return parseAdminCredentials(content, "of the shares");
  } finally {
    content.fill(0);
  }
}

/** What opens the devices, out of sealed secrets. Throws as `openCredentials`. */
export class Opened implements AdminSecrets, Disposable {
  readonly current: AdminCredentials;
  readonly previous: AdminCredentials | undefined;

  constructor(next: Secret, current: Secret | undefined) {
    this.current = openCredentials(next);
    try {
      this.previous = current && openCredentials(current);
    } catch (thrown) {
      wipeCredentials(this.current);
      throw thrown;
    }
  }

  [Symbol.dispose](): void {
    wipeCredentials(this.current);
    if (this.previous !== undefined) wipeCredentials(this.previous);
  }
}

/** A share for one holder, as it is fetched. */
export interface Offer {
  readonly holder: ShareHolder;
  readonly file: Uint8Array;
  /** SHA-256 of the file in hex. */
  readonly sha256: string;
}

export async function shareOut(
  sealed: Secret,
  { iteration, threshold, holders }: Sharing,
): Promise<{ readonly set: string; readonly digest: string; readonly offers: readonly Offer[] }> {
  const fingerprints = holders.map(({ fingerprint }) => fingerprint);
  const shares = await splitSecret(sealed, { iteration, threshold, holders: fingerprints, random: randomBytes });
  const [first] = shares;
  const offers = holders.flatMap((holder, i) => {
    const share = shares[i];
    if (share === undefined) return [];
    const file = encodeShare(share);
    share.share[Symbol.dispose]();
    return [{ holder, file, sha256: sha256(file) }];
  });
  if (first === undefined) throw new TypeError("a set without shares");
  return { set: first.set, digest: setDigest(first), offers };
}

/** Ends the life of every passphrase in them. */
export function wipeCredentials({ administrators, backupPassphrase, unlockPassphrase }: AdminCredentials): void {
  for (const passphrase of [backupPassphrase, unlockPassphrase, ...administrators.values()]) {
    passphrase[Symbol.dispose]();
  }
}
