/** Parts of parsed JSON that must have a certain shape. All of these throw TypeError. */

/** The members of an object that has exactly these. */
export function members(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("not an object");
  const found: Readonly<Record<string, unknown>> = { ...value };
  if (Object.keys(found).sort().join() !== names.toSorted().join()) {
    throw new TypeError(`its members are not ${names.join(", ")}`);
  }
  return found;
}

export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("not a list");
}

export function text(value: unknown, form: RegExp): string {
  if (typeof value === "string" && form.test(value)) return value;
  throw new TypeError(`${JSON.stringify(value)} is not of the form ${form.source}`);
}

export function oneOf<T extends string>(value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new TypeError(`${JSON.stringify(value)} is none of ${choices.join(", ")}`);
  return found;
}

/** An unsigned integer, of 32 bits unless said otherwise. */
export function count(value: unknown, max: number = 2 ** 32 - 1): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new TypeError(`${JSON.stringify(value)} is not a number of 0 to ${max}`);
}

/** The members of an object whose names are data: at most `max`, each of a form. */
export function entriesOf(value: unknown, form: RegExp, max: number): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("not an object");
  const entries = Object.entries(value);
  if (entries.length > max) throw new TypeError(`${entries.length} members, ${max} at most`);
  return entries.map(([name, each]) => [text(name, form), each]);
}
