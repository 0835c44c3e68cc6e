/** The JSON object of a share file, read member by member. Its messages never quote a value. */
import { SharingError } from "./errors.ts";

export class Members {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();

  private constructor(object: Readonly<Record<string, unknown>>) {
    this.#object = object;
  }

  /** Throws SharingError (malformed), without the parser's own message: it quotes the text, which is a secret. */
  static parse(text: string): Members {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw malformed("what follows its first line is not JSON: it has been cut or altered");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw malformed("what follows its first line is not a JSON object");
    }
    return new Members({ ...value });
  }

  value(name: string): unknown {
    this.#known.add(name);
    if (!Object.hasOwn(this.#object, name)) throw malformed(`it has no member "${name}"`);
    return this.#object[name];
  }

  integer(name: string, min: number, max: number): number {
    const value = this.value(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw malformed(`the member "${name}" is not an integer from ${min} to ${max}`);
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value === "string") return value;
    throw malformed(`the member "${name}" is not text`);
  }

  matching(name: string, expression: RegExp, what: string): string {
    const value = this.text(name);
    if (expression.test(value)) return value;
    throw malformed(`the member "${name}" is not ${what}`);
  }

  digests(name: string): readonly string[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw malformed(`the member "${name}" is not a list`);
    return value.map((entry: unknown) => {
      if (typeof entry === "string" && /^[0-9a-f]{64}$/.test(entry)) return entry;
      throw malformed(`the member "${name}" holds something that is not a SHA-256`);
    });
  }

  /** Refuses every member that was not asked for, but these. */
  only(...others: readonly string[]): void {
    const unknown = Object.keys(this.#object).some((name) => !this.#known.has(name) && !others.includes(name));
    if (unknown) throw malformed("it has a member that no share has");
  }
}

function malformed(problem: string): SharingError {
  return new SharingError("malformed", `the share cannot be read: ${problem}`, {
    hint: "take it from the file that was fetched, whole",
  });
}
