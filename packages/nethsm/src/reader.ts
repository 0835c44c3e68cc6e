/**
 * Readers of JSON answers. Members that we do not know are ignored (newer releases have more); one that is missing or
 * of another type is an AnswerError which names its place.
 */
import { fromBase64 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";

export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

/** `at` is the place of the value in the answer, like `$[3].id`. */
export type Reader<T> = (value: unknown, at: string) => T;

const wrong = (at: string, wanted: string) => new AnswerError(`${at} is not ${wanted}`);

export const text: Reader<string> = (value, at) => {
  if (typeof value !== "string") throw wrong(at, "a string");
  return value;
};

export const count: Reader<number> = (value, at) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw wrong(at, "a non-negative integer");
  return value;
};

export const flag: Reader<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw wrong(at, "true or false");
  return value;
};

/** A string that `parse` accepts: where it throws, the answer is wrong. */
export function parsed<T>(parse: (text: string) => T): Reader<T> {
  return (value, at) => {
    const string = text(value, at);
    try {
      return parse(string);
    } catch (error) {
      throw new AnswerError(`${at}: ${messageOf(error)}`, { cause: error });
    }
  };
}

export const base64: Reader<Uint8Array> = parsed(fromBase64);

export function oneOf<T extends string>(allowed: readonly T[]): Reader<T> {
  return (value, at) => {
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw wrong(at, `one of ${allowed.join(", ")}`);
    return found;
  };
}

export function listOf<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw wrong(at, "a list");
    return value.map((member: unknown, i) => item(member, `${at}[${i}]`));
  };
}

/** Absent and null are undefined. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, at) => (value === undefined || value === null ? undefined : reader(value, at));
}

export function object<T extends object>(shape: { readonly [Name in keyof T]: Reader<T[Name]> }): Reader<T> {
  const readers = Object.entries<Reader<unknown>>(shape);
  return (value, at) => {
    const members = requireObject(value, at);
    return Object.fromEntries(readers.map(([name, read]) => [name, read(members.get(name), `${at}.${name}`)])) as T;
  };
}

/** An object whose member names are not known beforehand. */
export function mapOf<T>(item: Reader<T>): Reader<ReadonlyMap<string, T>> {
  return (value, at) =>
    new Map(
      [...requireObject(value, at)].map(([name, member]) => [name, item(member, `${at}[${JSON.stringify(name)}]`)]),
    );
}

/** The whole answer. Throws AnswerError. */
export function readJson<T>(body: Uint8Array, reader: Reader<T>): T {
  if (body.length === 0) throw new AnswerError("it is empty");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new AnswerError("it is not JSON", { cause: error });
  }
  return reader(value, "$");
}

/** Throws AnswerError. */
export function readPem(body: Uint8Array): string {
  const text = new TextDecoder().decode(body);
  if (!/^-----BEGIN [A-Z0-9 ]+-----\r?\n/.test(text)) throw new AnswerError("it is not PEM");
  return text;
}

/** A Map, because it inherits nothing: `constructor` is not a member of every answer. */
function requireObject(value: unknown, at: string): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(at, "an object");
  return new Map<string, unknown>(Object.entries(value));
}
