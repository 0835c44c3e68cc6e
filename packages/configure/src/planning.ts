import { type NamespaceId, namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { Contents } from "./actual.ts";
import type { Change } from "./change.ts";
import { type Desired, leadingAdministrator } from "./desired.ts";

/** Which passphrases are made anew although they are good. */
export interface Rotation {
  /** Of every user but the administrators. */
  readonly users: boolean;
  /** Of administrators, of unlocking and of backups: others than before are to be in force. */
  readonly admins: boolean;
}

export const noRotation: Rotation = { users: false, admins: false };

/** What the parts of a plan share while it grows. */
export interface Planning {
  readonly desired: Desired;
  readonly contents: Contents;
  readonly changes: Change[];
  readonly conflicts: string[];
  readonly notes: string[];
  readonly rotation: Rotation;
  /** Who changes users and keys there once its administrators are as planned; undefined if nobody we know can. */
  actorFor(namespace: NamespaceId | undefined): UserId | undefined;
}

export function planning(desired: Desired, contents: Contents, rotation: Rotation): Planning {
  const actors = new Map(
    desired.namespaces.map(({ id, administrators }) => {
      const now = doorkeeper(desired, contents, id);
      return [id, now === undefined || administrators.includes(now) ? now : administrators[0]];
    }),
  );
  return {
    desired,
    contents,
    changes: [],
    conflicts: [],
    notes: [],
    rotation,
    actorFor: (namespace) => (namespace === undefined ? leadingAdministrator : actors.get(namespace)),
  };
}

/**
 * Who can change a namespace's administrators as things are. Inside an existing namespace only its own administrators
 * act: best a configured one, else one of an earlier configuration whose passphrase we still have. One that does not
 * exist yet gets all of its administrators before it is made, so any of them will do from then on.
 */
export function doorkeeper(
  desired: Desired,
  contents: Pick<Contents, "users" | "namespaces">,
  namespace: NamespaceId,
): UserId | undefined {
  const configured = desired.namespaces.find(({ id }) => id === namespace)?.administrators ?? [];
  if (!contents.namespaces.has(namespace)) return configured[0];
  const earlier = [...contents.users.keys()].filter((user) => namespaceOf(user) === namespace);
  return [...configured, ...earlier].find((user) => {
    const found = contents.users.get(user);
    return found?.role === "Administrator" && (found.passphrase === "accepted" || found.passphrase === "previous");
  });
}

/** Who may remove this user before any new namespace is made. */
export function removerOf({ contents, actorFor }: Planning, user: UserId): UserId | undefined {
  const namespace = namespaceOf(user);
  if (namespace === undefined || !contents.namespaces.has(namespace)) return leadingAdministrator;
  return actorFor(namespace);
}
