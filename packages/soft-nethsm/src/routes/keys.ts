/** Keys as objects: list, read, import, move, label, tag, delete. Their use is in `key-use.ts`. */
import { role } from "../access.ts";
import { object, readJson, text } from "../body.ts";
import { publicMember, publicPem } from "../crypto/public.ts";
import { done, json, mediaTypes, pem, Refusal, unchanged } from "../http.ts";
import { byBytes, readId } from "../ids.ts";
import { has } from "../release.ts";
import type { Context, Resource } from "../resource.ts";
import { Vault } from "../vault.ts";
import { generateKey, importKey, importKeyAnywhere } from "./key-create.ts";
import {
  findKey,
  isUsableBy,
  keyExists,
  keyId,
  keyOf,
  keyPath,
  keyTag,
  readLabel,
  sortedTags,
  updateKey,
} from "./key-record.ts";

const administrator = role("Administrator");
const reader = role("Administrator", "Operator");

export const keyRoutes: readonly Resource[] = [
  {
    path: "/keys",
    operations: {
      GET: { allow: reader, run: (context) => json(listKeys(context, "", context.query.has("filter"))) },
      POST: {
        allow: administrator,
        accepts: [mediaTypes.json, mediaTypes.form],
        changes: true,
        run: importKeyAnywhere,
      },
    },
  },
  {
    path: "/keys/generate",
    operations: { POST: { allow: administrator, accepts: [mediaTypes.json], changes: true, run: generateKey } },
  },
  {
    path: "/keys/{key}",
    exists: (context) => prefixIn(context) !== undefined || keyExists(context),
    tag: keyTag,
    operations: {
      GET: { allow: reader, run: getKey },
      PUT: {
        allow: administrator,
        accepts: [mediaTypes.json, mediaTypes.form],
        changes: true,
        run: async (context, body) => {
          await importKey(context, keyId(context), body);
          return done();
        },
      },
      DELETE: {
        allow: administrator,
        changes: true,
        run: async (context) => {
          await context.device.vault.apply({ keys: new Map([[keyPath(context, keyId(context)), undefined]]) });
          return done();
        },
      },
    },
  },
  {
    path: "/keys/{key}/public.pem",
    exists: keyExists,
    tag: keyTag,
    operations: {
      GET: {
        allow: reader,
        type: mediaTypes.pem,
        run: (context) => {
          const { material } = keyOf(context);
          if (material.type === "Generic") throw new Refusal(400, "Generic keys have no public key.");
          return pem(publicPem(material));
        },
      },
    },
  },
  {
    path: "/keys/{key}/move",
    since: "moveAndPrefix",
    exists: keyExists,
    operations: { POST: { allow: administrator, changes: true, run: moveKey } },
  },
  {
    path: "/keys/{key}/label",
    since: "labels",
    exists: keyExists,
    operations: {
      PUT: { allow: administrator, accepts: [mediaTypes.json], changes: true, run: setLabel },
      DELETE: {
        allow: administrator,
        changes: true,
        run: async (context) => {
          const key = keyOf(context);
          if (key.stored.label !== "") await updateKey(context, key, { label: "" });
          return done();
        },
      },
    },
  },
  {
    path: "/keys/{key}/restrictions/tags/{tag}",
    exists: (context) =>
      keyExists(context) && keyOf(context).stored.tags.includes(readId(context.param("tag"), context.device.release)),
    operations: {
      PUT: {
        allow: administrator,
        accepts: [mediaTypes.json, mediaTypes.bytes],
        changes: true,
        run: async (context) => {
          const tag = readId(context.param("tag"), context.device.release);
          const key = keyOf(context, "key not found");
          if (key.stored.tags.includes(tag)) return unchanged();
          await updateKey(context, key, { tags: sortedTags([...key.stored.tags, tag]) });
          return done();
        },
      },
      DELETE: {
        allow: administrator,
        changes: true,
        run: async (context) => {
          const key = keyOf(context);
          await updateKey(context, key, { tags: key.stored.tags.filter((tag) => tag !== context.param("tag")) });
          return done();
        },
      },
    },
  },
];

/** `prefix*` asks for all keys whose id begins so; only to read. */
function prefixIn(context: Context): string | undefined {
  const name = context.param("key");
  if (context.method !== "GET" || !name.endsWith("*") || !has(context.device.release, "moveAndPrefix"))
    return undefined;
  return readId(name.slice(0, -1), context.device.release);
}

function getKey(context: Context) {
  const prefix = prefixIn(context);
  if (prefix !== undefined) return json(listKeys(context, prefix, false));
  const key = keyOf(context);
  const { mechanisms, tags, label } = key.stored;
  return json({
    mechanisms,
    type: key.type,
    operations: key.operations,
    public: publicMember(key.material),
    restrictions: tags.length === 0 ? {} : { tags },
    label: label === "" ? undefined : label,
  });
}

function listKeys({ device, caller, query }: Context, prefix: string, onlyUsable: boolean) {
  const wanted = has(device.release, "labels") ? query.get("label") : null;
  if (wanted !== null) readLabel(wanted);
  return [...device.vault.keysIn(caller.namespace)]
    .filter(([id]) => id.startsWith(prefix))
    .filter(([, key]) => wanted === null || key.stored.label === wanted)
    .filter(([, key]) => !onlyUsable || caller.role !== "Operator" || isUsableBy(caller.tags, key))
    .map(([id]) => id)
    .sort(byBytes)
    .map((id) => ({ id }));
}

const moveBody = object({ newId: text });

async function moveKey(context: Context, body: Uint8Array) {
  const { newId } = readJson(body, moveBody);
  const id = readId(newId, context.device.release);
  if (findKey(context, id) !== undefined) throw new Refusal(409, `Key with id ${id} already exists`);
  const moved = Vault.snapshot(keyOf(context));
  await context.device.vault.apply({
    keys: new Map([
      [keyPath(context, keyId(context)), undefined],
      [keyPath(context, id), moved],
    ]),
  });
  return json({ id }, 200, { "cache-control": "no-cache" });
}

const labelBody = object({ label: text });

async function setLabel(context: Context, body: Uint8Array) {
  const label = readLabel(readJson(body, labelBody).label);
  const key = keyOf(context, "key not found");
  if (key.stored.label === label) return unchanged();
  await updateKey(context, key, { label });
  return done();
}
