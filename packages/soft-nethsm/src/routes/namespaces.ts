/** Namespaces, by Administrators outside of all of them. */
import { rootOnly } from "../access.ts";
import { done, json, mediaTypes, Refusal } from "../http.ts";
import { byBytes, readId } from "../ids.ts";
import { paths } from "../paths.ts";
import type { Context, Resource } from "../resource.ts";

export const namespaceRoutes: readonly Resource[] = [
  {
    path: "/namespaces",
    head: true,
    operations: {
      GET: {
        allow: rootOnly("Administrator"),
        run: ({ device }) => json([...device.vault.namespaces].sort(byBytes).map((id) => ({ id }))),
      },
    },
  },
  {
    path: "/namespaces/{namespace}",
    exists: (context) => context.device.vault.namespaces.has(idOf(context)),
    operations: {
      PUT: {
        allow: rootOnly("Administrator"),
        accepts: [mediaTypes.json, mediaTypes.bytes],
        changes: true,
        run: async (context) => {
          const id = idOf(context);
          if (context.device.vault.namespaces.has(id)) throw new Refusal(400, `Namespace ${id} already exists`);
          await context.device.vault.apply({ namespaces: new Map([[id, true]]) });
          return done();
        },
      },
      DELETE: {
        allow: rootOnly("Administrator"),
        changes: true,
        run: async (context) => {
          const id = context.param("namespace");
          const keys = [...context.device.vault.keysIn(id).keys()].map(
            (key) => [paths.key(id, key), undefined] as const,
          );
          await context.device.vault.apply({ namespaces: new Map([[id, undefined]]), keys: new Map(keys) });
          return done();
        },
      },
    },
  },
];

function idOf(context: Context): string {
  return readId(context.param("namespace"), context.device.release);
}
