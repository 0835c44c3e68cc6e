/** New keys: generated, or imported from JSON or PEM. */
import { randomBytes } from "node:crypto";
import { type KeyMechanism, keyMechanisms, keyTypeRules, keyTypes } from "@signstar/nethsm/types";
import { fromUtf8, toHex } from "@signstar/primitives/bytes";
import { integer, list, object, oneOf, optional, readBase64, readJson, text } from "../body.ts";
import { generateAsymmetric, generateGeneric, generateRsa } from "../crypto/generate.ts";
import { importNumbers, importPem, isKnownType } from "../crypto/import.ts";
import { toStored } from "../crypto/material.ts";
import { json, mediaTypes, Refusal } from "../http.ts";
import { byBytes, readId } from "../ids.ts";
import { mediaType } from "../media.ts";
import { readParts } from "../multipart.ts";
import type { PrivateKey } from "../records.ts";
import { has, type Release } from "../release.ts";
import type { Context } from "../resource.ts";
import { findKey, inOrder, keyPath, readLabel, sortedTags } from "./key-record.ts";

/** What comes with every new key, however its bytes come. */
const common = {
  mechanisms: list(oneOf(...keyMechanisms)),
  restrictions: optional(object({ tags: optional(list(text)) })),
};
const label = { label: optional(text) };
const generateShape = { ...common, type: oneOf(...keyTypes), length: optional(integer), id: optional(text) };
const importShape = {
  ...common,
  type: oneOf(...keyTypes),
  private: object({
    primeP: optional(text),
    primeQ: optional(text),
    publicExponent: optional(text),
    data: optional(text),
  }),
};

interface Common {
  readonly mechanisms: readonly KeyMechanism[];
  readonly restrictions: { readonly tags: readonly string[] | undefined } | undefined;
  readonly label?: string | undefined;
}

/** POST /keys/generate */
export async function generateKey(context: Context, body: Uint8Array) {
  const { release } = context.device;
  const input = readJson(body, has(release, "labels") ? object({ ...generateShape, ...label }) : object(generateShape));
  const { type, length } = input;
  requireKnown(input.mechanisms, release);
  if (!isKnownType(type, release)) throw new Refusal(400, `Key type ${type} is not supported.`);
  if (input.mechanisms.length === 0) throw new Refusal(400, "Empty set of mechanisms");
  if (!input.mechanisms.every((mechanism) => keyTypeRules[type].mechanisms.includes(mechanism))) {
    throw new Refusal(400, "Mechanism does not match key type");
  }
  const id = input.id === undefined || input.id === "" ? newKeyId(context) : readId(input.id, release);
  refuseExisting(context, id);
  const key = await generatePrivate(type, length);
  context.device.metrics.count("generate");
  await store(context, id, key, input);
  return created(id);
}

async function generatePrivate(type: (typeof keyTypes)[number], length: number | undefined): Promise<PrivateKey> {
  if (type === "Generic") return { kind: "raw", bytes: generateGeneric(length) };
  if (type === "RSA") return toStored(await generateRsa(length, "RSA key length"));
  return toStored(await generateAsymmetric(type));
}

/** POST /keys: the device chooses the id. */
export async function importKeyAnywhere(context: Context, body: Uint8Array) {
  const id = newKeyId(context);
  await importKey(context, id, body);
  return created(id);
}

export async function importKey(context: Context, id: string, body: Uint8Array): Promise<void> {
  const isForm = mediaType(context.contentType ?? "") === mediaTypes.form;
  const { key, input } = await (isForm ? readForm(context, body) : readNumbers(context.device.release, body));
  requireKnown(input.mechanisms, context.device.release);
  refuseExisting(context, id);
  await store(context, id, key, input);
}

/** The part whose name sorts first is the JSON, the other the PEM. */
async function readForm(context: Context, body: Uint8Array): Promise<{ key: PrivateKey; input: Common }> {
  const { release } = context.device;
  const parts = [...readParts(body, context.contentType ?? "")].sort((a, b) => byBytes(a.name, b.name));
  const [settings, file] = parts;
  if (settings === undefined || file === undefined || parts.length !== 2) {
    throw new Refusal(400, "Invalid multipart data: exactly two parts are needed.");
  }
  const input = readJson(settings.content, has(release, "labels") ? object({ ...common, ...label }) : object(common));
  return { key: toStored(await importPem(textOf(file.content), release)), input };
}

/** Older releases have neither the curve nor its signatures. */
function requireKnown(mechanisms: readonly KeyMechanism[], release: Release): void {
  if (mechanisms.includes("BIP340_Signature") && !has(release, "newCurves")) {
    throw new Refusal(400, "Invalid data for JSON schema: unknown mechanism BIP340_Signature.");
  }
}

async function readNumbers(release: Release, body: Uint8Array): Promise<{ key: PrivateKey; input: Common }> {
  const input = readJson(body, has(release, "labels") ? object({ ...importShape, ...label }) : object(importShape));
  if (!isKnownType(input.type, release)) throw new Refusal(400, `Key type ${input.type} is not supported.`);
  const decode = (value: string | undefined, name: string) =>
    value === undefined ? undefined : readBase64(value, `private.${name}`);
  const given = {
    primeP: decode(input.private.primeP, "primeP"),
    primeQ: decode(input.private.primeQ, "primeQ"),
    publicExponent: decode(input.private.publicExponent, "publicExponent"),
    data: decode(input.private.data, "data"),
  };
  if (input.type !== "Generic") return { key: toStored(await importNumbers(input.type, given)), input };
  if (given.data === undefined) throw new Refusal(400, "Generic keys need data.");
  return { key: { kind: "raw", bytes: given.data }, input };
}

async function store(context: Context, id: string, key: PrivateKey, input: Common): Promise<void> {
  const stored = {
    mechanisms: inOrder(input.mechanisms),
    private: key,
    certificate: undefined,
    operations: 0,
    tags: sortedTags(input.restrictions?.tags),
    label: readLabel(input.label),
  };
  await context.device.vault.apply({ keys: new Map([[keyPath(context, id), stored]]) });
}

function refuseExisting(context: Context, id: string): void {
  if (findKey(context, id) !== undefined) throw new Refusal(400, `Key with id ${id} already exists`);
}

function newKeyId(context: Context): string {
  const id = toHex(randomBytes(10));
  return findKey(context, id) === undefined ? id : newKeyId(context);
}

function created(id: string) {
  return json({ id }, 201, { location: `/api/v1/keys/${id}`, "cache-control": "no-cache" });
}

function textOf(content: Uint8Array): string {
  try {
    return fromUtf8(content);
  } catch {
    throw new Refusal(400, "Key file is not text.");
  }
}
