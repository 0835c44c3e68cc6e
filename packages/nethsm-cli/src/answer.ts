/** What a command has to say: for people, for scripts, and as JSON. */
import { printable } from "@signstar/command/printable";
import { toBase64 } from "@signstar/primitives/bytes";
import type { Exit } from "@signstar/primitives/failure";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json | undefined };

export interface Style {
  /** A person is reading. */
  readonly terminal: boolean;
  readonly colour: boolean;
}

export interface Answer {
  readonly json: Json;
  payload(style: Style): string | Uint8Array;
  /** Where the answer is a no. */
  readonly exit?: Exit;
}

/** One word or line. */
export function line(text: string, json: Json = text): Answer {
  return { json, payload: () => `${printable(text)}\n` };
}

export function lines(items: readonly string[]): Answer {
  return { json: items, payload: () => items.map((item) => `${printable(item)}\n`).join("") };
}

/** Text of several lines: PEM, release notes. */
export function text(content: string, json: Json): Answer {
  const shown = content.trimEnd().split(/\r?\n/).map(printable).join("\n");
  return { json, payload: () => `${shown}\n` };
}

/** Raw bytes; in JSON base64 under `member`. */
export function bytes(content: Uint8Array, member: string): Answer {
  return { json: { [member]: toBase64(content) }, payload: () => content };
}

/** Nothing to print, unless as JSON; `exit` 1 if it is a no. */
export function verdict(json: Json, exit: Exit): Answer {
  return { json, payload: () => "", exit };
}

export type Members = { readonly [member: string]: Json | undefined };

/** Names and values in two columns. */
export function record(members: Members): Answer {
  return {
    json: members,
    payload: (style) => {
      const rows = Object.entries(members).flatMap(([name, value]) => rowsOf(words(name), value));
      return columns(
        rows.map(([name, value]) => [paint(style, "bold", name), value]),
        rows.map(([name]) => name.length),
      );
    },
  };
}

/** Rows under a heading; a member that no row has is left out. */
export function table(rows: readonly Members[], json: Json = rows): Answer {
  return {
    json,
    payload: (style) => {
      const names = [...new Set(rows.flatMap((row) => Object.keys(row).filter((name) => row[name] !== undefined)))];
      if (names.length === 0) return "";
      const cells = rows.map((row) => names.map((name) => shown(row[name])));
      const heading = names.map((name) => words(name).toUpperCase());
      const widths = names.map((_, at) => Math.max(...[heading, ...cells].map((each) => length(each[at] ?? ""))));
      return [heading.map((cell) => paint(style, "bold", cell)), ...cells]
        .map((row, number) =>
          row
            .map((cell, at) => {
              const plain = number === 0 ? (heading[at] ?? "") : cell;
              return at === row.length - 1 ? cell : cell + " ".repeat((widths[at] ?? 0) - length(plain) + 2);
            })
            .join("")
            .trimEnd()
            .concat("\n"),
        )
        .join("");
    },
  };
}

const codes = { bold: 1, red: 31, green: 32, yellow: 33 } as const;

export function paint({ colour }: Style, how: keyof typeof codes, content: string): string {
  return colour ? `\x1b[${codes[how]}m${content}\x1b[0m` : content;
}

function columns(rows: readonly (readonly [string, string])[], widths: readonly number[]): string {
  const width = Math.max(0, ...widths) + 2;
  return rows.map(([name, value], at) => `${name}${" ".repeat(width - (widths[at] ?? 0))}${value}\n`).join("");
}

function rowsOf(name: string, value: Json | undefined): [string, string][] {
  if (value === undefined) return [];
  if (isMembers(value)) {
    return Object.entries(value).flatMap(([inner, each]) => rowsOf(`${name} ${words(inner)}`, each));
  }
  return [[name, shown(value)]];
}

function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return "-";
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.map(shown).join(", ");
  return printable(typeof value === "object" ? JSON.stringify(value) : String(value));
}

function isMembers(value: Json): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `softwareVersion` is "software version"; names that are not ours stay as they are. */
function words(name: string): string {
  return /^[a-z]+(?:[A-Z][a-z0-9]+)+$/.test(name)
    ? name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    : printable(name);
}

function length(content: string): number {
  return [...content].length;
}
