/** Strict readers for JSON bodies: unknown fields, missing fields and wrong types are refused with 400, as on the device. */
import { fromBase64, fromUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { Refusal } from "./http.ts";

export type Reader<T> = (value: unknown, at: string) => T;

export const text: Reader<string> = (value, at) => (typeof value === "string" ? value : wrong(at, "a string"));

export const integer: Reader<number> = (value, at) =>
  typeof value === "number" && Number.isSafeInteger(value) ? value : wrong(at, "an integer");

export function oneOf<const T extends string>(...choices: readonly T[]): Reader<T> {
  return (value, at) => choices.find((choice) => choice === value) ?? wrong(at, `one of ${choices.join(", ")}`);
}

export function list<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value, at) =>
    Array.isArray(value) ? value.map((each: unknown, i) => item(each, `${at}[${i}]`)) : wrong(at, "an array");
}

export function orNull<T>(inner: Reader<T>): Reader<T | null> {
  return (value, at) => (value === null ? null : inner(value, at));
}

/** A field that may be absent; only useful directly inside `object`. */
export function optional<T>(inner: Reader<T>): Reader<T | undefined> {
  return (value, at) => (value === undefined ? undefined : inner(value, at));
}

type Shape<T> = { readonly [K in keyof T]: Reader<T[K]> };

/** An object with exactly these fields. */
export function object<T>(shape: Shape<T>): Reader<T> {
  return (value, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong(at, "an object");
    const given = new Map<string, unknown>(Object.entries(value));
    for (const name of given.keys()) if (!Object.hasOwn(shape, name)) wrong(`${at}.${name}`, "absent");
    const fields = Object.entries<Reader<unknown>>(shape).map(([name, read]) => {
      const field = read(given.get(name), `${at}.${name}`);
      return field === undefined ? [] : [[name, field]];
    });
    // The shape has a reader for each field of T and each of them was called.
    return Object.fromEntries(fields.flat()) as T;
  };
}

export function readJson<T>(body: Uint8Array, reader: Reader<T>): T {
  return reader(parseJson(body), "body");
}

/** Longer texts are JSON or nothing. */
const longestLenient = 64 * 1024;

/** As lenient as the device's parser: names of members without quotation marks, and comments. */
function parseJson(body: Uint8Array): unknown {
  try {
    const text = fromUtf8(body);
    return tryJson(text) ?? JSON.parse(text.length > longestLenient ? text : strict(text));
  } catch (cause) {
    throw new Refusal(400, `Invalid JSON: ${messageOf(cause)}.`);
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In one pass: what is begun and not ended goes on to the end, so no character is looked at again and again. */
const token = /"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)|([A-Za-z_]\w*)(\s*:)?/g;

function strict(text: string): string {
  return text.replace(token, (found, name?: string, colon?: string) => {
    if (name !== undefined) return colon === undefined ? found : `"${name}"${colon}`;
    const isComment = found.startsWith("//") || (found.length >= 4 && found.startsWith("/*") && found.endsWith("*/"));
    return isComment ? " " : found;
  });
}

/** The device drops line feeds and insists on padding (RFC 4648 §4). */
export function readBase64(encoded: string, what: string): Uint8Array {
  try {
    return fromBase64(encoded.replaceAll("\n", ""));
  } catch {
    throw new Refusal(400, `Invalid base64 data in ${what}.`);
  }
}

/** A new passphrase: 10 to 200 bytes. */
export function readPassphrase(passphrase: string, name: string): string {
  const length = Buffer.byteLength(passphrase);
  if (length < 10 || length > 200) throw new Refusal(400, `passphrase ${name} is not >= 10 and <= 200 characters`);
  return passphrase;
}

/** Milliseconds since the epoch of an RFC 3339 time in UTC. */
export function readTime(time: string): number {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:[Zz]|[+-]00:00)$/.exec(time);
  const at = parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2]}Z`);
  if (Number.isNaN(at)) throw new Refusal(400, "Timestamp is not a valid RFC 3339 time in UTC.");
  return at;
}

function wrong(at: string, wanted: string): never {
  throw new Refusal(400, `Invalid data for JSON schema: ${at} is not ${wanted}.`);
}
