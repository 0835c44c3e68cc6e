import { namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { ActualUser, PassphraseState } from "./actual.ts";
import type { DesiredUser } from "./desired.ts";
import type { Planning, Rotation } from "./planning.ts";

/** Users other than administrators: they exist, have their tags, and this host holds a passphrase they answer to. */
export function planUsers(context: Planning): void {
  for (const user of context.desired.users) {
    const as = context.actorFor(namespaceOf(user.id));
    if (as !== undefined) planUser(context, as, user, context.contents.users.get(user.id));
  }
}

function planUser({ changes, rotation }: Planning, as: UserId, user: DesiredUser, found: ActualUser | undefined): void {
  const { id, role, tags } = user;
  // The NetHSM has no way to change a role.
  if (found !== undefined && found.role !== role) changes.push({ kind: "remove-user", as, user: id });
  const same = found?.role === role ? found : undefined;
  if (same === undefined) changes.push({ kind: "create-user", as, user });
  else if (needsPassphrase(same.passphrase, rotation)) changes.push({ kind: "set-passphrase", as, user });
  for (const tag of tags) {
    if (same === undefined || !same.tags.has(tag)) changes.push({ kind: "add-user-tag", as, user: id, tag });
  }
}

/** The one before is forgotten when every device has answered with this one. */
export function planSettling({ desired, contents, changes }: Planning): void {
  for (const user of desired.users) {
    const found = contents.users.get(user.id);
    if (found?.role !== user.role || found.passphrase !== "unsettled") continue;
    changes.push({ kind: "settle-passphrase", user });
  }
}

/**
 * One that is not settled was made in a rotation that goes on: another one now would leave a device that has not got it
 * yet with neither of the two that are kept.
 */
function needsPassphrase(passphrase: PassphraseState, { users }: Rotation): boolean {
  return passphrase === "accepted" ? users : passphrase !== "unsettled";
}
