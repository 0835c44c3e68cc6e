/** From the request target to a resource of the table. */
import { has, type Release } from "./release.ts";
import type { Resource } from "./resource.ts";
import { resources } from "./routes/table.ts";

export const basePath = "/api/v1";

export interface Route {
  readonly resource: Resource;
  readonly params: ReadonlyMap<string, string>;
  readonly path: string;
  readonly query: URLSearchParams;
}

const compiled = resources.map((resource) => ({ resource, pattern: resource.path.split("/").slice(1) }));

/** The path is decoded before it is taken apart, so an encoded slash separates too. A slash at the end is tolerated. */
export function findRoute(target: string, release: Release): Route | undefined {
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const decoded = decode(path);
  if (!decoded.startsWith(`${basePath}/`)) return undefined;
  const segments = decoded.slice(basePath.length + 1).split("/");
  if (segments.length > 1 && segments.at(-1) === "") segments.pop();
  for (const { resource, pattern } of compiled) {
    if (resource.since !== undefined && !has(release, resource.since)) continue;
    const params = match(pattern, segments);
    if (params !== undefined) {
      const query = new URLSearchParams(mark === -1 ? "" : target.slice(mark + 1));
      return { resource, params, path, query };
    }
  }
  return undefined;
}

function match(pattern: readonly string[], segments: readonly string[]): ReadonlyMap<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params = new Map<string, string>();
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i] ?? "";
    if (part.startsWith("{")) params.set(part.slice(1, -1), segment);
    else if (part !== segment) return undefined;
  }
  return params;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
