import { type NamespaceId, namespaceOf, type UserId } from "@signstar/nethsm/ids";
import { isRemoved, leadingAdministrator } from "./desired.ts";
import { doorkeeper, type Planning } from "./planning.ts";

/** Administrators of the device, and of the namespaces that exist. */
export function planAdministrators(context: Planning): void {
  const { desired, contents, conflicts } = context;
  for (const user of desired.administrators) planAdministrator(context, leadingAdministrator, user);
  for (const { id, administrators } of desired.namespaces) {
    if (!contents.namespaces.has(id)) continue;
    const as = doorkeeper(desired, contents, id);
    if (as === undefined) conflicts.push(outOfReach(id));
    else for (const user of administrators) planAdministrator(context, as, user);
  }
  planOthers(context);
}

/** Administrators of namespaces that the configuration no longer has: their passphrases are known and go on being so. */
function planOthers({ desired, contents, changes }: Planning): void {
  const wanted = new Set(desired.namespaces.map(({ id }) => id));
  for (const [user, { role, passphrase }] of contents.users) {
    const namespace = namespaceOf(user);
    if (namespace === undefined || wanted.has(namespace) || !contents.namespaces.has(namespace)) continue;
    if (role !== "Administrator" || passphrase !== "previous" || isRemoved(desired, namespace)) continue;
    changes.push({ kind: "set-administrator-passphrase", as: user, user });
  }
}

/**
 * Namespaces that do not exist yet. Until they do, the system-wide administrator rules their users, including those
 * that an earlier namespace of that name left behind; from then on only their own administrators do.
 */
export function planNewNamespaces(context: Planning): void {
  for (const { id: namespace, administrators } of context.desired.namespaces) {
    if (context.contents.namespaces.has(namespace)) continue;
    for (const user of administrators) planAdministrator(context, leadingAdministrator, user);
    context.changes.push({ kind: "create-namespace", as: leadingAdministrator, namespace });
  }
}

function planAdministrator({ contents, changes }: Planning, as: UserId, user: UserId): void {
  const found = contents.users.get(user);
  // The NetHSM has no way to change a role.
  if (found !== undefined && found.role !== "Administrator") changes.push({ kind: "remove-user", as, user });
  if (found?.role !== "Administrator") changes.push({ kind: "create-administrator", as, user });
  else if (found.passphrase !== "accepted") changes.push({ kind: "set-administrator-passphrase", as, user });
}

function outOfReach(namespace: NamespaceId): string {
  return `namespace ${namespace} exists, but no administrator of it can log in with the admin credentials of this host`;
}
