/** Users and their passphrases. Nothing else about a user can be changed but the tags (`user-tags.ts`). */
import { randomBytes } from "node:crypto";
import { roles } from "@signstar/nethsm/types";
import { toHex } from "@signstar/primitives/bytes";
import { role } from "../access.ts";
import { newUser } from "../auth.ts";
import { object, oneOf, readJson, readPassphrase, text } from "../body.ts";
import type { Caller } from "../caller.ts";
import type { Device } from "../device.ts";
import { done, empty, json, mediaTypes, Refusal } from "../http.ts";
import { byBytes, namespaceOf, readId, readUserName } from "../ids.ts";
import { paths } from "../paths.ts";
import type { User } from "../records.ts";
import type { Context, Resource } from "../resource.ts";
import { recordTag } from "../tag.ts";

const userBody = object({ realName: text, role: oneOf(...roles), passphrase: text });
const passphraseBody = object({ passphrase: text });

export const userRoutes: readonly Resource[] = [
  {
    path: "/users",
    operations: {
      GET: {
        allow: role("Administrator"),
        run: ({ device, caller }) => {
          const names = [...device.vault.users.keys()].sort(byBytes);
          const seen = names.filter((name) => caller.namespace === undefined || namespaceOf(name) === caller.namespace);
          return json(seen.map((user) => ({ user })));
        },
      },
      POST: {
        allow: role("Administrator"),
        accepts: [mediaTypes.json],
        changes: true,
        run: ({ device, caller }, body) => addGenerated(device, caller.namespace, body),
      },
    },
  },
  {
    path: "/users/{user}",
    exists: (context) => (context.method === "POST" ? requireNamespace(context) : userExists(context)),
    tag: (context) => recordTag(context.device, paths.user(context.param("user"))),
    operations: {
      GET: {
        allow: mayRead,
        run: (context) => {
          const { realName, role } = target(context);
          return json({ realName, role });
        },
      },
      PUT: { allow: mayCreate, accepts: [mediaTypes.json], changes: true, run: (context, body) => add(context, body) },
      POST: {
        allow: mayCreate,
        accepts: [mediaTypes.json],
        changes: true,
        run: (context, body) => addGenerated(context.device, namespaceOf(context.param("user")), body),
      },
      DELETE: {
        allow: mayManage,
        changes: true,
        run: async (context) => {
          const name = context.param("user");
          if (name === context.caller.name) throw new Refusal(400, "Users cannot delete themselves");
          await context.device.vault.apply({ users: new Map([[name, undefined]]) });
          return done();
        },
      },
    },
  },
  {
    path: "/users/{user}/passphrase",
    exists: userExists,
    operations: {
      POST: {
        allow: (caller, context) => mayManage(caller, context) || isOperatorItself(caller, context),
        changes: true,
        run: async (context, body) => {
          const passphrase = readPassphrase(readJson(body, passphraseBody).passphrase, "passphrase");
          const { realName, role, tags } = target(context);
          const changed = newUser(realName, role, passphrase, tags);
          await context.device.vault.apply({ users: new Map([[context.param("user"), changed]]) });
          return done();
        },
      },
    },
  },
];

/** Refuses a bad name. */
export function userExists(context: Context): boolean {
  return context.device.vault.users.has(readUserName(context.param("user"), context.device.release));
}

/** POST /users/{namespace}~ names no user. */
function requireNamespace(context: Context): true {
  const name = context.param("user");
  if (!name.endsWith("~")) throw new Refusal(400, "ID is not of the form namespace~.");
  readId(name.slice(0, -1), context.device.release);
  return true;
}

/** The user that the path names and that `exists` has found. */
export function target(context: Context): User {
  const user = context.device.vault.users.get(context.param("user"));
  if (user === undefined) throw new Refusal(404);
  return user;
}

/** In the own namespace; from the root namespace also where the namespace does not exist (yet, or any more). */
export function mayManage(caller: Caller, context: Context): boolean {
  if (caller.role !== "Administrator") return false;
  const namespace = namespaceOf(context.param("user"));
  if (namespace === caller.namespace) return true;
  return caller.namespace === undefined && namespace !== undefined && !context.device.vault.namespaces.has(namespace);
}

/** Administrators of the root namespace read everyone; operators themselves. */
export function mayRead(caller: Caller, context: Context): boolean {
  if (isOperatorItself(caller, context)) return true;
  if (caller.role !== "Administrator") return false;
  return caller.namespace === undefined || caller.namespace === namespaceOf(context.param("user"));
}

function mayCreate(caller: Caller, context: Context): boolean {
  if (mayManage(caller, context)) return true;
  if (caller.role !== "Administrator") return false;
  throw new Refusal(403, "You are not allowed to create users in this namespace.");
}

function isOperatorItself(caller: Caller, context: Context): boolean {
  return caller.role === "Operator" && caller.name === context.param("user");
}

async function add(context: Context, body: Uint8Array) {
  const name = context.param("user");
  if (context.device.vault.users.has(name)) throw new Refusal(409, "user already exists");
  await context.device.vault.apply({ users: new Map([[name, readUser(body)]]) });
  return empty(201, { location: context.path, "cache-control": "no-cache" });
}

async function addGenerated(device: Device, namespace: string | undefined, body: Uint8Array) {
  const id = toHex(randomBytes(10));
  const name = namespace === undefined ? id : `${namespace}~${id}`;
  await device.vault.apply({ users: new Map([[name, readUser(body)]]) });
  return json({ id: name }, 201, { location: `/api/v1/users/${name}`, "cache-control": "no-cache" });
}

function readUser(body: Uint8Array): User {
  const { realName, role, passphrase } = readJson(body, userBody);
  return newUser(realName, role, readPassphrase(passphrase, "passphrase"));
}
