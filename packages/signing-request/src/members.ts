/** Reading the fixed parts of a document: closed objects, texts, the version. */
import { quote, RequestError } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/** What this room writes, and the major version it reads. */
export const formatVersion = "1.0.0";

export function objectAt(value: JsonValue, path: string): JsonObject {
  if (!isJsonObject(value)) throw new RequestError("not-an-object", `${path} is not a JSON object`);
  return value;
}

/** An object with exactly these members, in their order; `path` is what a message calls it. */
export function closedObject<const Names extends readonly string[]>(
  value: JsonValue,
  path: string,
  ...names: Names
): { readonly [Index in keyof Names]: JsonValue };
export function closedObject(value: JsonValue, path: string, ...names: readonly string[]): readonly JsonValue[] {
  const object = objectAt(value, path);
  for (const name of object.keys()) {
    if (!names.includes(name)) throw new RequestError("unknown-member", `${path} has an unknown member ${quote(name)}`);
  }
  return names.map((name) => member(object, path, name));
}

export function member(object: JsonObject, path: string, name: string): JsonValue {
  const value = object.get(name);
  if (value === undefined) throw new RequestError("missing-member", `${path} has no member "${name}"`);
  return value;
}

export function textAt(value: JsonValue, path: string): string {
  if (typeof value !== "string") throw new RequestError("not-text", `${path} is not text`);
  return value;
}

const core = /^(0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)/;
const dotted = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
const semVer = new RegExp(`${core.source}(?:-(${dotted}))?(?:\\+${dotted})?$`);
const paddedNumber = /(?:^|\.)0[0-9]+(?:\.|$)/;

/** Semantic Versioning 2.0.0, of major version 1. */
export function versionAt(value: JsonValue, path: string): string {
  const version = textAt(value, path);
  const [, major, prerelease = ""] = semVer.exec(version) ?? [];
  if (major === undefined || paddedNumber.test(prerelease)) {
    throw new RequestError("version-malformed", `${path} ${quote(version)} is not a semantic version`);
  }
  if (major !== "1") {
    throw new RequestError("version-unsupported", `${path} ${quote(version)} is not supported`, {
      hint: "this program speaks version 1",
    });
  }
  return version;
}
