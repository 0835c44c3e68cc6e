/**
 * Names on a NetHSM: users, namespaces, keys and tags. All follow one rule: 1 to 128 bytes, letters, digits, `_`, `-`
 * and `.`, not beginning with one of the last three. A user of a namespace is written `namespace~id`.
 */
import type { Brand } from "@signstar/primitives/brand";
import { Exit, Failure } from "@signstar/primitives/failure";

export type NamespaceId = Brand<string, "NamespaceId">;
export type KeyId = Brand<string, "KeyId">;
export type RestrictionTag = Brand<string, "RestrictionTag">;
/** A user outside of all namespaces. */
export type SystemWideUserId = Brand<string, "SystemWideUserId">;
export type NamespacedUserId = Brand<string, "NamespacedUserId">;
export type UserId = SystemWideUserId | NamespacedUserId;

/** Longest id, in bytes; each part of `namespace~id` may be as long. */
export const maxIdLength = 128;

export type IdErrorCode = "id-empty" | "id-too-long" | "id-bad-start" | "id-bad-character" | "id-not-system-wide";

export class IdError extends Failure<IdErrorCode> {
  override readonly name = "IdError";

  constructor(code: IdErrorCode, message: string, hint?: string) {
    super(code, Exit.usage, message, { hint });
  }
}

const characters = "use letters, digits, '_', '-' and '.', beginning with a letter or digit";

/** Throws IdError. */
export function parseNamespaceId(text: string): NamespaceId {
  requireId("namespace", text);
  return text as NamespaceId;
}

/** Throws IdError. */
export function parseKeyId(text: string): KeyId {
  requireId("key id", text);
  return text as KeyId;
}

/** Throws IdError. */
export function parseTag(text: string): RestrictionTag {
  requireId("tag", text);
  return text as RestrictionTag;
}

/** `id` or `namespace~id`. Throws IdError. */
export function parseUserId(text: string): UserId {
  const tilde = text.indexOf("~");
  if (tilde === -1) {
    requireId("user name", text);
    return text as SystemWideUserId;
  }
  requireId("namespace", text.slice(0, tilde));
  requireId("user name", text.slice(tilde + 1));
  return text as NamespacedUserId;
}

/** A user name without namespace. Throws IdError. */
export function parseSystemWideUserId(text: string): SystemWideUserId {
  const user = parseUserId(text);
  if (isSystemWide(user)) return user;
  throw new IdError("id-not-system-wide", `user ${user} is in a namespace`, "name a user without a namespace");
}

export function isSystemWide(user: UserId): user is SystemWideUserId {
  return !user.includes("~");
}

/** The namespace a user is in; undefined for a system-wide user. */
export function namespaceOf(user: UserId): NamespaceId | undefined {
  const tilde = user.indexOf("~");
  return tilde === -1 ? undefined : (user.slice(0, tilde) as NamespaceId);
}

/** The user name `namespace~id`. */
export function userInNamespace(namespace: NamespaceId, user: SystemWideUserId): NamespacedUserId {
  return `${namespace}~${user}` as NamespacedUserId;
}

/** Whether a device of release 2.2 or older can hold this name: there ids are letters and digits only. */
export function isValidBeforeRelease3(id: UserId | NamespaceId | KeyId | RestrictionTag): boolean {
  return /^[A-Za-z0-9~]+$/.test(id);
}

function requireId(what: string, text: string): void {
  const shown = JSON.stringify(text.length > maxIdLength ? `${text.slice(0, 32)}…` : text);
  if (text === "") throw new IdError("id-empty", `${what} is empty`, characters);
  if (/[^A-Za-z0-9_.-]/.test(text)) {
    throw new IdError("id-bad-character", `${what} ${shown} has a character that is not allowed`, characters);
  }
  // Only ASCII is left: a character is a byte.
  if (text.length > maxIdLength) {
    throw new IdError("id-too-long", `${what} ${shown} is longer than ${maxIdLength} bytes`);
  }
  if (!/^[A-Za-z0-9]/.test(text))
    throw new IdError("id-bad-start", `${what} ${shown} begins with '${text[0]}'`, characters);
}
