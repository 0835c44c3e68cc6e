/** The positional words of a command, each by its name, and the environment that stands in for them. */
import { usageError } from "@signstar/command/errors";
import { isLoosely } from "@signstar/command/options";
import type { Argument } from "@signstar/command/spec";

export class Words {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(specs: readonly Argument[], given: readonly string[], env: NodeJS.ProcessEnv) {
    this.#values = new Map(specs.map((spec, at) => [spec.name, valuesOf(spec, given, at, env)]));
  }

  /** An argument that must be there. */
  text(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw usageError(`missing required argument '${name}'`);
    return value;
  }

  optional(name: string): string | undefined {
    return this.list(name)[0];
  }

  list(name: string): readonly string[] {
    const values = this.#values.get(name);
    if (values === undefined) throw new TypeError(`this command has no argument ${name}`);
    return values;
  }
}

function valuesOf(spec: Argument, given: readonly string[], at: number, env: NodeJS.ProcessEnv): readonly string[] {
  const own = spec.variadic === true ? given.slice(at) : given.slice(at, at + 1);
  const instead = (spec.env === undefined ? undefined : env[spec.env]) || spec.default;
  const values = own.length > 0 ? own : instead === undefined ? [] : [instead];
  const { choices } = spec;
  return choices === undefined ? values : values.map((word) => choose(spec.name, word, choices));
}

/** The choice that is meant: case, `-` and `_` do not count, so the device's own spelling is understood too. */
export function choose<T extends string>(what: string, word: string, choices: readonly T[]): T {
  const found = choices.find((choice) => isLoosely(choice, word));
  if (found !== undefined) return found;
  throw usageError(`${what} cannot be '${word}'`, `it is one of ${choices.join(", ")}`);
}

/** A whole number written in decimal digits. */
export function wholeNumber(what: string, word: string): number {
  if (/^\d{1,15}$/.test(word)) return Number(word);
  throw usageError(`${what} is '${word}', not a whole number`);
}

/** A time in UTC, as in 2026-11-21T12:00:00Z. */
export function utcTime(what: string, word: string): Date {
  const date = new Date(word);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]00:00)$/.test(word) && !Number.isNaN(date.getTime()))
    return date;
  throw usageError(`${what} is '${word}', not a time in UTC`, "write it as 2026-11-21T12:00:00Z");
}
