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
  if (spec.value === undefined) return given !== undefined;
  if (given !== undefined && given.length > 1 && spec.repeatable !== true) {
    throw usageError(`--${spec.name} is given ${given.length} times`, "give it once");
  }
  const fromEnvironment = spec.env === undefined ? undefined : env[spec.env];
  const values = given ?? [fromEnvironment ?? spec.default].filter((value) => value !== undefined);
  const wrong = values.find((value) => spec.choices !== undefined && !spec.choices.includes(value));
  if (wrong !== undefined) {
    throw usageError(`--${spec.name} cannot be '${wrong}'`, `it is one of ${spec.choices?.join(", ")}`);
  }
  return values;
}
