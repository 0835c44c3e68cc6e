import { namespaceOf, type UserId } from "@signstar/nethsm/ids";
import { isRemoved, leadingAdministrator } from "./desired.ts";
import { type Planning, removerOf } from "./planning.ts";

/**
 * Users the configuration does not know, and namespaces it wants removed. A namespace that it neither knows nor wants
 * removed is left alone with its users: its administrators are not ours.
 */
export function planRemovals(context: Planning): void {
  const { desired, contents, changes, notes } = context;
  const wanted = new Set(desired.namespaces.map(({ id }) => id));
  const removed = new Set(
    [...contents.namespaces].filter((namespace) => !wanted.has(namespace) && isRemoved(desired, namespace)),
  );
  for (const namespace of removed) changes.push({ kind: "remove-namespace", as: leadingAdministrator, namespace });
  for (const namespace of contents.namespaces) {
    if (wanted.has(namespace) || removed.has(namespace)) continue;
    notes.push(`namespace ${namespace} is not in the configuration and stays, with its users and keys`);
  }
  const known = knownUsers(context);
  for (const user of contents.users.keys()) {
    if (known.has(user)) continue;
    const namespace = namespaceOf(user);
    const gone = namespace !== undefined && removed.has(namespace);
    const as = gone ? leadingAdministrator : removerOf(context, user);
    if (as !== undefined) changes.push({ kind: "remove-user", as, user });
  }
  planExcessTags(context);
}

/** Before any key gets a new tag, no user may still hold one it should not have. */
function planExcessTags(context: Planning): void {
  for (const { id: user, role, tags } of context.desired.users) {
    const found = context.contents.users.get(user);
    const as = removerOf(context, user);
    if (found === undefined || found.role !== role || as === undefined) continue;
    const kept = new Set<string>(tags);
    for (const tag of found.tags) {
      if (!kept.has(tag)) context.changes.push({ kind: "remove-user-tag", as, user, tag });
    }
  }
}

function knownUsers({ desired }: Planning): ReadonlySet<UserId> {
  return new Set([
    ...desired.administrators,
    ...desired.namespaces.flatMap(({ administrators }) => administrators),
    ...desired.users.map(({ id }) => id),
  ]);
}
