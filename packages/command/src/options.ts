import { usageError } from "./errors.ts";
import type { Option, Options } from "./spec.ts";

/** The words found for each option, by name; a flag has an empty list. */
export type Given = ReadonlyMap<string, readonly string[]>;

/**
 * What the program sees: given words, else the environment, else the default. `specs` may name an option twice (a
 * command and its parent); the first counts. Throws CommandError (usage).
 */
export function resolveOptions(specs: readonly Option[], given: Given, env: NodeJS.ProcessEnv = {}): Options {
  const values = new Map<string, readonly string[] | boolean>();
  for (const spec of specs) {
    if (!values.has(spec.name)) values.set(spec.name, resolve(spec, given.get(spec.name), env));
  }
  const find = (name: string, kind: "flag" | "value"): readonly string[] | boolean => {
    const value = values.get(name);
    if (value === undefined || (typeof value === "boolean") !== (kind === "flag")) {
      throw new TypeError(`--${name} is not a ${kind} option of this command`);
    }
    return value;
  };
  const list = (name: string): readonly string[] => {
    const value = find(name, "value");
    return typeof value === "boolean" ? [] : value;
  };
  return { text: (name) => list(name).at(-1), flag: (name) => find(name, "flag") === true, list };
}

function resolve(
  spec: Option,
  given: readonly string[] | undefined,
  env: NodeJS.ProcessEnv,
): readonly string[] | boolean {
  // Empty is as good as unset: scripts take a variable back with NAME= before the command.
  const fromEnvironment = (spec.env === undefined ? undefined : env[spec.env]) || undefined;
  if (spec.value === undefined) return given !== undefined || isYes(fromEnvironment);
  if (given !== undefined && given.length > 1 && spec.repeatable !== true) {
    throw usageError(`--${spec.name} is given ${given.length} times`, "give it once");
  }
  const words = given ?? [fromEnvironment ?? spec.default].filter((value) => value !== undefined);
  const { choices } = spec;
  return choices === undefined ? words : words.map((word) => chosen(word, choices, spec));
}

function chosen(word: string, choices: readonly string[], { name, loose }: Option): string {
  const found = choices.find((choice) => choice === word || (loose === true && isLoosely(choice, word)));
  if (found !== undefined) return found;
  throw usageError(`--${name} cannot be '${word}'`, `it is one of ${choices.join(", ")}`);
}

/** Equal but for case, `-` and `_`. */
export function isLoosely(a: string, b: string): boolean {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
  return bare(a) === bare(b);
}

function isYes(value: string | undefined): boolean {
  return value !== undefined && !/^(?:|n|no|f|false|off|0)$/i.test(value);
}
