/** Identifiers as they come in paths and bodies, with the device's own messages. */
import { Refusal } from "./http.ts";
import { has, type Release } from "./release.ts";

export function readId(text: string, release: Release): string {
  if (text.length < 1) throw new Refusal(400, "ID cannot be shorter than 1 character.");
  if (Buffer.byteLength(text) > 128) throw new Refusal(400, "ID cannot be longer than 128 characters.");
  if (!has(release, "wideIds")) {
    if (!/^[A-Za-z0-9]+$/.test(text)) throw new Refusal(400, "ID may only contain alphanumeric characters.");
    return text;
  }
  if (!/^[A-Za-z0-9_.-]+$/.test(text)) {
    throw new Refusal(400, "ID may only contain alphanumeric characters, underscores, dashes, and dots.");
  }
  if (!/^[A-Za-z0-9]/.test(text)) throw new Refusal(400, "ID cannot start with underscore, dash, or dot.");
  return text;
}

/** `id` or `namespace~id`, each part an id of its own. */
export function readUserName(text: string, release: Release): string {
  const parts = text.split("~");
  if (parts.length > 2) throw new Refusal(400, "ID may only contain one namespace separator.");
  for (const part of parts) readId(part, release);
  return text;
}

/** The part before `~`; undefined for a user of the root namespace. */
export function namespaceOf(userName: string): string | undefined {
  const end = userName.indexOf("~");
  return end === -1 ? undefined : userName.slice(0, end);
}

/** Sorted by bytes: ids are ASCII, tags inside `restrictions` may be anything. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
