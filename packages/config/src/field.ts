/**
 * A walk over parsed TOML that never stops at the first mistake: every reader returns undefined after it has noted what
 * is wrong, and the caller goes on with the next field.
 */
import { Failure } from "@signstar/primitives/failure";
import type { Findings } from "./findings.ts";
import type { Path } from "./path.ts";
import { suggestion } from "./suggestion.ts";

/** One value in the document. */
export class Field {
  readonly path: Path;
  readonly #value: unknown;
  readonly #findings: Findings;

  constructor(value: unknown, path: Path, findings: Findings) {
    this.#value = value;
    this.path = path;
    this.#findings = findings;
  }

  get isText(): boolean {
    return typeof this.#value === "string";
  }

  get isTable(): boolean {
    return isTable(this.#value);
  }

  hasKey(key: string): boolean {
    return isTable(this.#value) && Object.hasOwn(this.#value, key);
  }

  problem(message: string): undefined {
    this.#findings.problem(this.path, message);
  }

  warn(message: string): void {
    this.#findings.warn(this.path, message);
  }

  text(): string | undefined {
    return typeof this.#value === "string" ? this.#value : this.#wrongType("a string");
  }

  /** A string handed to a parser that throws a Failure for what it does not accept. */
  parsed<T>(parse: (text: string) => T): T | undefined {
    const text = this.text();
    return text === undefined ? undefined : this.#attempt(() => parse(text));
  }

  /** The same with the key that the value stands under. */
  keyParsed<T>(parse: (text: string) => T): T | undefined {
    return this.#attempt(() => parse(String(this.path.at(-1))));
  }

  choice<T extends string>(choices: readonly T[]): T | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    const known = choices.map((choice) => JSON.stringify(choice)).join(", ");
    return this.problem(`${JSON.stringify(text)} is none of ${known}${suggestion(text, choices)}`);
  }

  /** The document is parsed with bigint integers, so that `1.0` is not one. */
  integer(min: number, max: number): number | undefined {
    if (typeof this.#value !== "bigint") return this.#wrongType("an integer");
    if (this.#value < BigInt(min) || this.#value > BigInt(max)) {
      return this.problem(`${this.#value} is not in ${min} to ${max}`);
    }
    return Number(this.#value);
  }

  boolean(): boolean | undefined {
    return typeof this.#value === "boolean" ? this.#value : this.#wrongType("true or false");
  }

  list(): readonly Field[] | undefined {
    if (!Array.isArray(this.#value)) return this.#wrongType("a list");
    return this.#value.map((value: unknown, i) => new Field(value, [...this.path, i], this.#findings));
  }

  /**
   * The items without those that repeat an earlier one exactly: the lists of the first grammar were sets, in which such
   * a repetition vanished.
   */
  distinct(): readonly Field[] | undefined {
    const seen = new Set<string>();
    return this.list()?.filter((item) => {
      const text = canonical(item.#value);
      if (!seen.has(text)) return seen.add(text);
      item.warn("repeats an earlier entry and is left out");
      return false;
    });
  }

  /** The table, after every key but these has been reported. */
  table<K extends string>(keys: readonly K[]): Table<K> | undefined {
    const { table, unknown } = this.#split(keys);
    for (const key of unknown) {
      this.#findings.problem([...this.path, key], `unknown key${suggestion(key, keys)}`);
    }
    return table;
  }

  /** All keys of a table whose keys are names of their own. */
  entries(): readonly (readonly [key: string, field: Field])[] | undefined {
    const value = this.#value;
    if (!isTable(value)) return this.#wrongType("a table");
    return Object.keys(value).map((key) => [key, new Field(value[key], [...this.path, key], this.#findings)]);
  }

  /** The one key of a table and its value, as mappings and other tagged values are written. */
  only<K extends string>(keys: readonly K[]): { readonly key: K; readonly field: Field } | undefined {
    const table = this.table(keys);
    if (table === undefined) return undefined;
    const present = keys.filter((key) => table.has(key));
    const [key] = present;
    if (key === undefined)
      return table.size > 0 ? undefined : this.problem(`is empty, one of ${keys.join(", ")} is needed`);
    if (present.length > 1) return this.problem(`holds ${present.join(" and ")}, only one of them can stand here`);
    const field = table.optional(key);
    return field && { key, field };
  }

  #split<K extends string>(keys: readonly K[]): { table: Table<K> | undefined; unknown: readonly string[] } {
    const value = this.#value;
    if (!isTable(value)) return { table: this.#wrongType("a table"), unknown: [] };
    const known: readonly string[] = keys;
    return {
      table: new Table<K>(value, this.path, this.#findings),
      unknown: Object.keys(value).filter((key) => !known.includes(key)),
    };
  }

  #attempt<T>(parse: () => T): T | undefined {
    try {
      return parse();
    } catch (thrown) {
      if (thrown instanceof Failure) return this.problem(thrown.message);
      throw thrown;
    }
  }

  #wrongType(wanted: string): undefined {
    return this.problem(`must be ${wanted}, not ${describe(this.#value)}`);
  }
}

/** A table whose keys are known to be among `K`. */
export class Table<K extends string> {
  readonly path: Path;
  readonly #entries: Readonly<Record<string, unknown>>;
  readonly #findings: Findings;

  constructor(entries: Readonly<Record<string, unknown>>, path: Path, findings: Findings) {
    this.#entries = entries;
    this.path = path;
    this.#findings = findings;
  }

  /** Number of keys, unknown ones included. */
  get size(): number {
    return Object.keys(this.#entries).length;
  }

  has(key: K): boolean {
    return Object.hasOwn(this.#entries, key);
  }

  optional(key: K): Field | undefined {
    return this.has(key) ? new Field(this.#entries[key], [...this.path, key], this.#findings) : undefined;
  }

  required(key: K): Field | undefined {
    return this.optional(key) ?? this.problem(`${key} is missing`);
  }

  problem(message: string): undefined {
    this.#findings.problem(this.path, message);
  }
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  // Dates are objects too, tables have no prototype or the plain one.
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Equal for equal values, whatever the order of keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return { integer: String(part) };
    if (!isTable(part)) return part;
    const entries = Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1));
    return { table: entries.flat() };
  });
}

function describe(value: unknown): string {
  if (typeof value === "string") return "a string";
  if (typeof value === "bigint") return "an integer";
  if (typeof value === "number") return "a float";
  if (typeof value === "boolean") return `${value}`;
  if (Array.isArray(value)) return "a list";
  return isTable(value) ? "a table" : "a date";
}
