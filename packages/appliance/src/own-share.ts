import { trustedOwners } from "@signstar/host/caller";
import { type CeremonyState, readCeremonyState } from "@signstar/host/ceremony-state";
import { HostError } from "@signstar/host/errors";
import { readSafeFile } from "@signstar/host/safe-file";
import type { ClientKey } from "@signstar/host/ssh-session";
import { limits } from "@signstar/primitives/limits";
import { SharingError } from "@signstar/secret-sharing/errors";
import { parseShare, type SetId } from "@signstar/secret-sharing/share";
import { ApplianceError } from "./errors.ts";
import type { Session } from "./session.ts";

export interface OwnShare {
  /** The file. */
  readonly bytes: Uint8Array;
  readonly set: SetId;
  readonly index: number;
}

/**
 * The share that waits for this key of this user; undefined if there is none. Throws ApplianceError (share-damaged) if
 * the file is no share of this holder's: nobody is to confirm that.
 */
export function ownShare(session: Session, user: string, key: ClientKey): OwnShare | undefined {
  const path = `${session.paths.sharesDownload}/${user}/${key.hex}.share`;
  const damaged = (problem: string, cause?: unknown) =>
    new ApplianceError("share-damaged", `${path} ${problem}`, { cause, hint: "signstar-configure makes shares" });
  try {
    const owners = trustedOwners(session.root);
    const bytes = readSafeFile(path, { maxBytes: limits.shareBytes, owners, mode: "readable" });
    const { share, set, index, holder } = parseShare(bytes);
    share[Symbol.dispose]();
    if (holder !== key.fingerprint) throw damaged(`was made for ${holder}, not for ${key.fingerprint}`);
    return { bytes, set, index };
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "file-missing") return undefined;
    // Its own message would tell the client that what it has sent is wrong.
    if (thrown instanceof SharingError) throw damaged("is not a share", thrown);
    throw thrown;
  }
}

export function stateOf(session: Session): CeremonyState {
  return readCeremonyState(session.paths.ceremonyState, trustedOwners(session.root));
}

/** Why there is none, for its holder. */
export function noShare({ pending, sets }: CeremonyState, user: string, key: ClientKey): ApplianceError {
  const because = (message: string, hint?: string) =>
    new ApplianceError("no-share", message, { hint, clientSafe: true });
  if (pending !== undefined) {
    const own = pending.holders.find((holder) => holder.fingerprint === key.fingerprint);
    if (own === undefined) return because("shares wait for their holders, but your key is not one of theirs");
    if (own.user !== user) return because("your share waits in another account of this host");
    if (!own.confirmed) return because("your share is not there yet", "try again in a moment");
    return because("your share is confirmed already, there is nothing to fetch");
  }
  const held = sets.findLast(({ standing, holders }) => standing !== "void" && holders.includes(key.fingerprint));
  if (held === undefined) return because("no share is waiting", "shares come into being when the secret is made anew");
  return because(`no share is waiting: you have confirmed yours of set ${held.set}`);
}
