/** The key that a path names, in the caller's own namespace: nobody sees into another. */
import type { KeyMechanism } from "@signstar/nethsm/types";
import { keyMechanisms } from "@signstar/nethsm/types";
import { Refusal } from "../http.ts";
import { byBytes, readId } from "../ids.ts";
import { paths } from "../paths.ts";
import type { StoredKey } from "../records.ts";
import type { Context } from "../resource.ts";
import { recordTag } from "../tag.ts";
import { type Key, Vault } from "../vault.ts";

export function keyPath(context: Context, id: string): string {
  return paths.key(context.caller.namespace, id);
}

/** The id in the path, checked. */
export function keyId(context: Context): string {
  return readId(context.param("key"), context.device.release);
}

export function findKey(context: Context, id: string): Key | undefined {
  return context.device.vault.keys.get(keyPath(context, id));
}

export function keyExists(context: Context): boolean {
  return findKey(context, keyId(context)) !== undefined;
}

/** A key that `exists` has found, or 404: with PUT it may be missing. */
export function keyOf(context: Context, missing?: string): Key {
  const key = findKey(context, keyId(context));
  if (key === undefined) throw new Refusal(404, missing);
  return key;
}

export function keyTag(context: Context): string | undefined {
  return recordTag(context.device, keyPath(context, context.param("key")));
}

/** Rewrites the key with some fields changed; the counter goes along. */
export async function updateKey(context: Context, key: Key, fields: Partial<StoredKey>): Promise<void> {
  const stored = { ...Vault.snapshot(key), ...fields };
  await context.device.vault.apply({ keys: new Map([[keyPath(context, keyId(context)), stored]]) });
}

/** In the device's order, each once. */
export function inOrder(mechanisms: readonly KeyMechanism[]): readonly KeyMechanism[] {
  return keyMechanisms.filter((mechanism) => mechanisms.includes(mechanism));
}

export function sortedTags(tags: readonly string[] | undefined): readonly string[] {
  return [...new Set(tags)].sort(byBytes);
}

/** At most 32 bytes of UTF-8; empty is none. */
export function readLabel(label: string | undefined): string {
  if (Buffer.byteLength(label ?? "") > 32) throw new Refusal(400, "Label cannot be longer than 32 bytes.");
  return label ?? "";
}

/** Whether the caller may use the key: one common tag, if the key has any. */
export function isUsableBy(tags: readonly string[], key: Key): boolean {
  return key.stored.tags.length === 0 || key.stored.tags.some((tag) => tags.includes(tag));
}
