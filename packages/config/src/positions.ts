/**
 * Finds the line of each key in a TOML document that a real parser has accepted already; the parser keeps positions of
 * syntax errors only. It follows the grammar of TOML 1.0 as far as needed to know where keys, values and comments end,
 * and checks nothing.
 */
import { formatPath, type Path } from "./path.ts";

/** Deeper keys are not noted: no config has them, and the path of each is as long as it is deep. */
const maxDepth = 16;

/** Line (from 1) of every table, key and list item, by formatted path. */
export type Lines = ReadonlyMap<string, number>;

/** Throws RangeError if the text is not TOML. */
export function findLines(text: string): Lines {
  // A byte order mark belongs to the file, not to its first key.
  return new Scanner(text.replace(/^\ufeff/, "")).document();
}

/** The line of a value, or of the closest table around it that has one. */
export function lineOf(lines: Lines, path: Path): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const line = lines.get(formatPath(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return undefined;
}

class Scanner {
  readonly #text: string;
  readonly #lines = new Map<string, number>();
  /** How many tables each `[[list]]` has so far. */
  readonly #counts = new Map<string, number>();
  #offset = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Lines {
    let table: Path = [];
    for (this.#skipBlank(); this.#offset < this.#text.length; this.#skipBlank()) {
      if (this.#take("[[")) table = this.#listHeader();
      else if (this.#take("[")) table = this.#tableHeader();
      else this.#keyValue(table);
    }
    return this.#lines;
  }

  #tableHeader(): Path {
    const { line, keys } = this.#dottedKey();
    this.#expect("]");
    return this.#enter([], keys, line);
  }

  #listHeader(): Path {
    const { line, keys } = this.#dottedKey();
    this.#expect("]]");
    const list = this.#enter([], keys.slice(0, -1), line).concat(keys.slice(-1));
    const name = formatPath(list);
    const index = this.#counts.get(name) ?? 0;
    this.#counts.set(name, index + 1);
    const table = [...list, index];
    this.#note(list, line);
    this.#note(table, line);
    return table;
  }

  /** Follows keys from a table; where one names a `[[list]]`, its latest table is meant. */
  #enter(from: Path, keys: readonly string[], line: number): Path {
    let path = from;
    for (const key of keys.slice(0, maxDepth)) {
      path = [...path, key];
      this.#note(path, line);
      const count = this.#counts.get(formatPath(path));
      if (count !== undefined) path = [...path, count - 1];
    }
    return path;
  }

  #keyValue(table: Path): void {
    const { line, keys } = this.#dottedKey();
    this.#expect("=");
    const path = this.#enter(table, keys, line);
    this.#skipSpaces();
    this.#value(path);
  }

  #value(path: Path): void {
    if (this.#take('"""')) this.#skipMultiLine('"""', true);
    else if (this.#take("'''")) this.#skipMultiLine("'''", false);
    else if (this.#peek() === '"' || this.#peek() === "'") this.#quoted();
    else if (this.#take("[")) this.#list(path);
    else if (this.#take("{")) this.#inlineTable(path);
    else this.#skipWhile(/[^,\]}#\n]/y);
  }

  #list(path: Path): void {
    for (let index = 0; ; index += 1) {
      this.#skipBlank();
      if (this.#take("]")) return;
      const item = [...path, index];
      this.#note(item, this.#line);
      this.#value(item);
      this.#skipBlank();
      if (this.#take(",")) continue;
      this.#expect("]");
      return;
    }
  }

  #inlineTable(path: Path): void {
    for (;;) {
      this.#skipBlank();
      if (this.#take("}")) return;
      this.#keyValue(path);
      this.#skipBlank();
      if (this.#take(",")) continue;
      this.#expect("}");
      return;
    }
  }

  #dottedKey(): { readonly line: number; readonly keys: readonly string[] } {
    const keys: string[] = [];
    this.#skipSpaces();
    const line = this.#line;
    do {
      this.#skipSpaces();
      keys.push(this.#key());
      this.#skipSpaces();
    } while (this.#take("."));
    return { line, keys };
  }

  #key(): string {
    if (this.#peek() === '"' || this.#peek() === "'") return this.#quoted();
    const key = this.#skipWhile(/[A-Za-z0-9_-]/y);
    if (key === "") throw this.#unexpected();
    return key;
  }

  /** A string on one line. */
  #quoted(): string {
    if (this.#take("'")) {
      const literal = this.#skipWhile(/[^'\n]/y);
      this.#expect("'");
      return literal;
    }
    this.#expect('"');
    const raw = this.#skipWhile(/[^"\\\n]|\\./y);
    this.#expect('"');
    return unescaped(raw);
  }

  /** Up to two quotes may stand directly before the closing three. */
  #skipMultiLine(quotes: string, escapes: boolean): void {
    while (!this.#take(quotes)) {
      if (this.#peek() === "") throw this.#unexpected();
      if (escapes && this.#peek() === "\\") this.#advance(1);
      this.#advance(1);
    }
    for (let i = 0; i < 2 && this.#peek() === quotes[0]; i += 1) this.#advance(1);
  }

  #skipBlank(): void {
    for (;;) {
      this.#skipWhile(/[ \t\r\n]/y);
      if (this.#peek() !== "#") return;
      this.#skipWhile(/[^\n]/y);
    }
  }

  #skipSpaces(): void {
    this.#skipWhile(/[ \t]/y);
  }

  /** `pattern` is sticky and matches one step. */
  #skipWhile(pattern: RegExp): string {
    const start = this.#offset;
    for (;;) {
      pattern.lastIndex = this.#offset;
      const step = pattern.exec(this.#text)?.[0];
      if (step === undefined) return this.#text.slice(start, this.#offset);
      this.#advance(step.length);
    }
  }

  #take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#offset)) return false;
    this.#advance(word.length);
    return true;
  }

  #expect(word: string): void {
    this.#skipSpaces();
    if (!this.#take(word)) throw this.#unexpected();
  }

  #peek(): string {
    return this.#text.charAt(this.#offset);
  }

  #advance(count: number): void {
    for (let i = 0; i < count; i += 1) {
      if (this.#text[this.#offset] === "\n") this.#line += 1;
      this.#offset += 1;
    }
  }

  /** The first mention counts: a table is where its header or first key stands. */
  #note(path: Path, line: number): void {
    const name = formatPath(path);
    if (!this.#lines.has(name)) this.#lines.set(name, line);
  }

  #unexpected(): RangeError {
    return new RangeError(`unexpected text on line ${this.#line}`);
  }
}

/** Escapes of a basic string (TOML 1.0, "String", and `\e`, `\x` of 1.1). */
function unescaped(raw: string): string {
  const short: Readonly<Record<string, string>> = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\x1b" };
  return raw.replace(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))/g,
    (_, u?: string, U?: string, x?: string, c?: string) => {
      const hex = u ?? U ?? x;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return short[c ?? ""] ?? c ?? "";
    },
  );
}
