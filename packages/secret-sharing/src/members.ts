/** The JSON object of a share file or a receipt, read member by member. Its messages never quote a value. */
import { SharingError } from "./errors.ts";

export class Members {
  readonly #what: string;
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();

  /** Throws SharingError (malformed), without the parser's own message: it quotes the text, which is a secret. */
  constructor(what: string, text: string) {
    this.#what = what;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.malformed("it is not JSON, so it has been cut or altered");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.malformed("it is not a JSON object");
    }
    this.#object = { ...value };
  }

  value(name: string): unknown {
    this.#known.add(name);
    if (!Object.hasOwn(this.#object, name)) throw this.malformed(`it has no member "${name}"`);
    return this.#object[name];
  }

  integer(name: string, min: number, max: number): number {
    const value = this.value(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.malformed(`the member "${name}" is not an integer from ${min} to ${max}`);
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value === "string") return value;
    throw this.malformed(`the member "${name}" is not text`);
  }

  matching(name: string, expression: RegExp, what: string): string {
    const value = this.text(name);
    if (expression.test(value)) return value;
    throw this.malformed(`the member "${name}" is not ${what}`);
  }

  texts(name: string, expression: RegExp, what: string): readonly string[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw this.malformed(`the member "${name}" is not a list`);
    return value.map((entry: unknown) => {
      if (typeof entry === "string" && expression.test(entry)) return entry;
      throw this.malformed(`the member "${name}" holds something that is not ${what}`);
    });
  }

  /** Refuses every member that was not asked for, but these. */
  only(...others: readonly string[]): void {
    const unknown = Object.keys(this.#object).some((name) => !this.#known.has(name) && !others.includes(name));
    if (unknown) throw this.malformed(`it has a member that no ${this.#what} has`);
  }

  malformed(problem: string): SharingError {
    return new SharingError("malformed", `the ${this.#what} cannot be read: ${problem}`);
  }
}
