/**
 * JSON (RFC 8259), read more strictly than JSON.parse does: a name occurs once in an object, text holds no lone
 * surrogate, nesting and members are bounded, and every refusal says where it was.
 */
import { fromUtf8 } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import { type JsonRefusal, RequestError } from "./errors.ts";

export type JsonObject = ReadonlyMap<string, JsonValue>;
export type JsonValue = null | boolean | number | JsonNumber | string | readonly JsonValue[] | JsonObject;

/**
 * A number that is not written as a plain integer below 2^53: fraction, exponent, `-0` or more digits. It keeps its
 * text, so nothing is rounded and `1.0` does not pass for the byte 1.
 */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export interface JsonLimits {
  /** Of the whole document. */
  readonly bytes: number;
  /** Objects and arrays inside each other, the outermost included. */
  readonly depth?: number;
  /** Of each object. */
  readonly members?: number;
}

/** @throws RequestError with a JsonRefusal as its code, and line and column (from 1) in its message */
export function readJson(bytes: Uint8Array, most: JsonLimits): JsonValue {
  if (bytes.length > most.bytes) {
    throw new RequestError("too-large", `document is ${bytes.length} bytes long where ${most.bytes} are allowed`);
  }
  return new Reader(decode(bytes), most.depth ?? limits.jsonDepth, most.members ?? limits.jsonMembers).document();
}

export function isJsonObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

/** Compact: no white space, members in the order of the map. */
export function writeJson(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text;
  // Numbers are plain integers, and a hasher's state is two hundred of them.
  if (Array.isArray(value)) return `[${(value.every(isNumber) ? value : value.map(writeJson)).join(",")}]`;
  if (value instanceof Map) {
    return `{${Array.from(value, ([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

function isNumber(value: JsonValue): boolean {
  return typeof value === "number";
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new RequestError("not-utf8", "document is not valid UTF-8", { cause });
  }
}

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const integer = /^(?:0|-?[1-9][0-9]*)$/;
const plain = /[^"\\\u0000-\u001f]*/y;
const hex4 = /[0-9a-fA-F]{4}/y;
const literals = [
  ["null", null],
  ["true", true],
  ["false", false],
] as const;
const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #maxMembers: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number, maxMembers: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#maxMembers = maxMembers;
  }

  document(): JsonValue {
    this.#blank();
    if (this.#at === this.#text.length) throw new RequestError("empty", "document is empty");
    const value = this.#value();
    this.#blank();
    if (this.#at < this.#text.length) throw this.#refuse("json-trailing-data", "something follows the document's end");
    return value;
  }

  #value(): JsonValue {
    this.#blank();
    switch (this.#text[this.#at]) {
      case "{":
      case "[":
        return this.#nested();
      case '"':
        return this.#string();
      default:
        return this.#digits() ?? this.#scalar();
    }
  }

  #nested(): JsonValue {
    this.#depth += 1;
    if (this.#depth > this.#maxDepth) {
      throw this.#refuse("json-too-deep", `more than ${this.#maxDepth} objects and arrays inside each other`);
    }
    const value = this.#text[this.#at] === "{" ? this.#object() : this.#array();
    this.#depth -= 1;
    return value;
  }

  #object(): JsonObject {
    const members = new Map<string, JsonValue>();
    this.#at += 1;
    if (this.#skip("}")) return members;
    do {
      this.#blank();
      const start = this.#at;
      if (this.#text[start] !== '"') throw this.#refuse("json-syntax", "a member's name is wanted");
      const name = this.#string();
      if (members.has(name)) throw this.#refuse("json-duplicate-member", "this member occurs twice", start);
      if (members.size === this.#maxMembers) {
        throw this.#refuse("json-too-many-members", `more than ${this.#maxMembers} members in one object`, start);
      }
      if (!this.#skip(":")) throw this.#refuse("json-syntax", '":" is wanted');
      members.set(name, this.#value());
    } while (this.#skip(","));
    if (!this.#skip("}")) throw this.#refuse("json-syntax", '"," or "}" is wanted');
    return members;
  }

  #array(): readonly JsonValue[] {
    const values: JsonValue[] = [];
    this.#at += 1;
    if (this.#skip("]")) return values;
    do values.push(this.#value());
    while (this.#skip(","));
    if (!this.#skip("]")) throw this.#refuse("json-syntax", '"," or "]" is wanted');
    return values;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    let text = "";
    for (;;) {
      text += this.#match(plain);
      const next = this.#text[this.#at];
      if (next === undefined) throw this.#refuse("json-syntax", "text without an end", start);
      if (next !== '"' && next !== "\\") throw this.#refuse("json-syntax", "unescaped control character in text");
      this.#at += 1;
      if (next === '"') break;
      text += this.#escape();
    }
    if (!text.isWellFormed()) throw this.#refuse("json-lone-surrogate", "half of a surrogate pair in text", start);
    return text;
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? "";
    const digits = letter === "u" ? this.#match(hex4, this.#at + 1) : "";
    if (digits !== "") return String.fromCharCode(Number.parseInt(digits, 16));
    const char = escapes.get(letter);
    if (char === undefined) throw this.#refuse("json-syntax", "unknown escape in text");
    this.#at += 1;
    return char;
  }

  /**
   * A plain number below 2^53, of which a hasher's state is two hundred; undefined if it is anything else, and then
   * nothing has been read.
   */
  #digits(): number | undefined {
    const text = this.#text;
    let at = this.#at;
    let value = 0;
    for (let code = text.charCodeAt(at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(at)) {
      value = value * 10 + (code - 0x30);
      at += 1;
    }
    const length = at - this.#at;
    const next = text[at];
    if (length === 0 || length > 15 || next === "." || next === "e" || next === "E") return undefined;
    if (length > 1 && text[this.#at] === "0") return undefined;
    this.#at = at;
    return value;
  }

  #scalar(): JsonValue {
    for (const [word, value] of literals) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    const text = this.#match(number);
    if (text === "") throw this.#refuse("json-syntax", "a value is wanted");
    const value = Number(text);
    return integer.test(text) && Number.isSafeInteger(value) ? value : new JsonNumber(text);
  }

  /** Goes past what the sticky expression matches from `from` on; stays and gives "" if it does not match. */
  #match(expression: RegExp, from = this.#at): string {
    expression.lastIndex = from;
    if (!expression.test(this.#text) || expression.lastIndex === from) return "";
    this.#at = expression.lastIndex;
    return this.#text.slice(from, this.#at);
  }

  #blank(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #skip(char: string): boolean {
    this.#blank();
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #refuse(code: JsonRefusal, problem: string, at = this.#at): RequestError {
    const before = this.#text.slice(0, at).split("\n");
    const column = (before.at(-1) ?? "").length + 1;
    return new RequestError(code, `malformed JSON at line ${before.length}, column ${column}: ${problem}`);
  }
}
