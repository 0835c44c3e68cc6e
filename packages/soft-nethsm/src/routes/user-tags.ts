/** The tags of Operators: with them go the keys they may use. */
import { done, json, mediaTypes, Refusal, unchanged } from "../http.ts";
import { byBytes, readId } from "../ids.ts";
import type { User } from "../records.ts";
import type { Context, Resource } from "../resource.ts";
import { mayManage, mayRead, target, userExists } from "./users.ts";

export const userTagRoutes: readonly Resource[] = [
  {
    path: "/users/{user}/tags",
    exists: (context) => userExists(context) && target(context).role === "Operator",
    operations: { GET: { allow: mayRead, run: (context) => json([...target(context).tags].sort(byBytes)) } },
  },
  {
    path: "/users/{user}/tags/{tag}",
    exists: (context) =>
      userExists(context) && target(context).tags.includes(readId(context.param("tag"), context.device.release)),
    operations: {
      PUT: {
        allow: mayManage,
        accepts: [mediaTypes.json, mediaTypes.bytes],
        changes: true,
        run: async (context) => {
          const user = target(context);
          const tag = readId(context.param("tag"), context.device.release);
          if (user.role !== "Operator") throw new Refusal(400, "tag operations only exist on operator users");
          if (user.tags.includes(tag)) return unchanged();
          await setTags(context, user, [...user.tags, tag]);
          return done();
        },
      },
      DELETE: {
        allow: mayManage,
        changes: true,
        run: async (context) => {
          const user = target(context);
          const tags = user.tags.filter((tag) => tag !== context.param("tag"));
          await setTags(context, user, tags);
          return done();
        },
      },
    },
  },
];

async function setTags(context: Context, user: User, tags: readonly string[]): Promise<void> {
  await context.device.vault.apply({ users: new Map([[context.param("user"), { ...user, tags }]]) });
}
