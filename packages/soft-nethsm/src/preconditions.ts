/** If-Match and If-None-Match (RFC 9110 §13.1) over the opaque tags of §0.5. */
import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "./http.ts";

/** Throws Refusal 412, or 304 for reading what has not changed. `tag` is without quotes. */
export function checkPreconditions(
  headers: IncomingHttpHeaders,
  resource: { exists: boolean; tag: string | undefined; reads: boolean },
): void {
  const { exists, tag, reads } = resource;
  const match = headers["if-match"];
  if (match !== undefined && !(exists && (match.trim() === "*" || (tag !== undefined && lists(match, tag))))) {
    throw new Refusal(412);
  }
  const noneMatch = headers["if-none-match"];
  if (noneMatch === undefined || !exists) return;
  if (noneMatch.trim() === "*" || (tag !== undefined && lists(noneMatch, tag))) {
    throw reads ? new Refusal(304, undefined, tag === undefined ? {} : { etag: `"${tag}"` }) : new Refusal(412);
  }
}

function lists(header: string, tag: string): boolean {
  return header.split(",").some((each) => each.trim() === `"${tag}"`);
}
