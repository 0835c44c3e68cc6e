import { formatKeyRef } from "@signstar/config/key-ref";
import type { KeyRef } from "@signstar/config/model";
import { IdError, parseTag, type UserId } from "@signstar/nethsm/ids";
import type { ActualKey } from "./actual.ts";
import { keyKind } from "./change.ts";
import type { DesiredKey } from "./desired.ts";
import type { Planning } from "./planning.ts";

/** Keys that should be there. One that differs in more than its tags is a conflict: no key is ever replaced. */
export function planKeys(context: Planning): void {
  const { contents, changes, conflicts } = context;
  for (const key of context.desired.keys) {
    const as = context.actorFor(key.namespace);
    if (as === undefined) continue;
    const label = formatKeyRef(key);
    const found = contents.keys.get(label);
    if (found !== undefined) {
      conflicts.push(...differences(key, found));
      planTags(context, as, key, found);
    } else if (contents.strayCertificates.has(label)) {
      conflicts.push(
        `key ${label} is not on the device, but this host has a certificate for it: restore a backup, or move the certificate away if a new key is meant`,
      );
    } else {
      changes.push({ kind: "generate-key", as, key });
    }
  }
}

/** Only keys that the configuration lists for removal. */
export function planKeyRemoval(context: Planning): void {
  const { desired, contents, changes, notes } = context;
  const removed = new Set(desired.removal.keys.map(formatKeyRef));
  for (const [label, { key }] of contents.otherKeys) {
    const as = removed.has(label) || desired.removal.everything ? context.actorFor(key.namespace) : undefined;
    if (as === undefined) notes.push(`key ${label} is not in the configuration and stays`);
    else changes.push({ kind: "remove-key", as, key });
  }
}

/** The wanted tags come before the others go: a key without a tag serves every Operator. */
function planTags({ changes, notes }: Planning, as: UserId, wanted: DesiredKey, found: ActualKey): void {
  const key: KeyRef = { namespace: wanted.namespace, keyId: wanted.keyId };
  for (const tag of wanted.tags) {
    if (!found.tags.has(tag)) changes.push({ kind: "add-key-tag", as, key, tag });
  }
  const kept = new Set<string>(wanted.tags);
  for (const tag of found.tags) {
    if (kept.has(tag)) continue;
    if (isTag(tag)) changes.push({ kind: "remove-key-tag", as, key, tag });
    else
      notes.push(
        `key ${formatKeyRef(key)} keeps the tag ${JSON.stringify(tag)}: no user can have it, no request names it`,
      );
  }
}

/** A device takes any text for a tag when it makes a key, and afterwards only proper ones. */
function isTag(text: string): boolean {
  try {
    parseTag(text);
    return true;
  } catch (thrown) {
    if (thrown instanceof IdError) return false;
    throw thrown;
  }
}

function differences(key: DesiredKey, found: ActualKey): string[] {
  const label = formatKeyRef(key);
  const problems: string[] = [];
  const sameLength = key.length === undefined || found.length === undefined || key.length === found.length;
  if (found.type !== key.type || !sameLength) {
    problems.push(`key ${label} is of type ${keyKind(found)} on the device, not ${keyKind(key)}: no key is replaced`);
  }
  const mechanisms = [...found.mechanisms].sort();
  if (mechanisms.join() !== [...new Set(key.mechanisms)].sort().join()) {
    problems.push(
      `key ${label} has the mechanisms ${mechanisms.join(", ")} on the device, not ${key.mechanisms.join(", ")}: no key is replaced`,
    );
  }
  return problems;
}
