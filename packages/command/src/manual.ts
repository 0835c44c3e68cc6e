/** Manual pages in mdoc(7), made from the spec: one for a program and one for each of its commands. */
import { argumentLabel, type Described, notesOf, optionsOf } from "./help.ts";
import type { Word } from "./run-forced.ts";
import type { Argument, Option } from "./spec.ts";

export interface ManualOptions {
  /** Of the last change. */
  readonly date: Date;
  /** As in `Signstar 0.1.0`. */
  readonly source: string;
  /** Behind ForceCommand: what a client may send. */
  readonly accepts?: readonly (readonly Word[])[];
}

export interface ManualPage {
  /** `nethsm-key-sign.1` */
  readonly file: string;
  readonly text: string;
}

/** People's programs are in section 1, those that sshd starts in section 8. */
export function manualPages(program: Described, options: ManualOptions): readonly ManualPage[] {
  return pagesOf([program], options.accepts === undefined ? 1 : 8, options);
}

function pagesOf(chain: readonly Described[], section: 1 | 8, options: ManualOptions): readonly ManualPage[] {
  const command = last(chain);
  const text = page(chain, section, options);
  const inner = (command.commands ?? []).flatMap((sub) => pagesOf([...chain, sub], section, options));
  return [{ file: `${pageName(chain)}.${section}`, text }, ...inner];
}

function page(chain: readonly Described[], section: 1 | 8, { date, source, accepts }: ManualOptions): string {
  const command = last(chain);
  const name = pageName(chain);
  const lines = [
    `.Dd ${month(date)} ${date.getUTCDate()}, ${date.getUTCFullYear()}`,
    `.Dt ${name.toUpperCase()} ${section}`,
    `.Os ${source}`,
    ".Sh NAME",
    `.Nm ${name}`,
    `.Nd ${escaped(command.summary)}`,
    ".Sh SYNOPSIS",
    ...synopsis(chain),
    ".Sh DESCRIPTION",
    ...paragraphs(command.description ?? `${capital(command.summary)}.`),
    ...list(
      "COMMANDS",
      (command.commands ?? []).map((sub) => [
        `.Xr ${pageName([...chain, sub])} ${section}`,
        [escapedLine(`${capital(sub.summary)}.`)],
      ]),
    ),
    ...list(
      "ARGUMENTS",
      (command.arguments ?? []).map((argument) => [`.It ${macro("Ar", argumentLabel(argument))}`, described(argument)]),
    ),
    ...list(
      "OPTIONS",
      optionsOf(chain).map((option) => [`.It ${optionItem(option)}`, described(option)]),
    ),
    ...(accepts === undefined ? [] : clientWords(accepts)),
    ...environment(chain),
    ".Sh EXIT STATUS",
    ...exitStatus,
    ...examples(command),
    ...seeAlso(chain, section),
  ];
  return `${lines.join("\n")}\n`;
}

/** What every program of the house ends with. */
const exitStatus = [
  "0 on success, 1 where the answer to a question is no, 2 where changes are pending.",
  "Failures end as in",
  ".Xr sysexits 3 :",
  "64 usage, 65 malformed input, 66 missing input, 67 unknown user, 69 the device cannot be reached or is locked,",
  "70 a bug, 73 the output cannot be created, 74 input or output failed, 75 try again, 76 the device answered",
  "nonsense, 77 not allowed, 78 configuration.",
];

function synopsis(chain: readonly Described[]): string[] {
  const command = last(chain);
  const start = [`.Nm ${chain.map(({ name }) => name).join(" ")}`, ".Op Ar options"];
  const own = [...start, ...(command.arguments ?? []).map(argumentMacro)];
  if (command.commands === undefined) return own;
  const withCommand = [...start, ".Ar command ..."];
  return command.run === undefined ? withCommand : [...own, ...withCommand];
}

function argumentMacro({ name, optional, variadic }: Argument): string {
  const word = `${guarded(name)}${variadic === true ? " ..." : ""}`;
  return optional === true ? `.Op Ar ${word}` : `.Ar ${word}`;
}

function optionItem({ name, short, value }: Option): string {
  const long = `Fl -${name}${value === undefined ? "" : ` Ar ${guarded(value)}`}`;
  return short === undefined ? long : `Fl ${short} , ${long}`;
}

function described(item: Option | Argument): string[] {
  return [
    escapedLine(`${capital(item.description)}.`),
    ...notesOf(item).map((note) => escapedLine(`${capital(note)}.`)),
  ];
}

function clientWords(accepts: readonly (readonly Word[])[]): string[] {
  const shown = accepts.map((words) =>
    words.length === 0
      ? "nothing"
      : words.map((word) => (typeof word === "string" ? word : `a word like ${word.source}`)).join(" "),
  );
  return [".Sh CLIENT WORDS", "A client may send, as the command of its", ".Xr ssh 1", "session:", ...bullets(shown)];
}

function bullets(items: readonly string[]): string[] {
  return [".Bl -bullet -compact", ...items.flatMap((item) => [".It", escapedLine(item)]), ".El"];
}

/** Every variable that stands in for something of this command. */
function environment(chain: readonly Described[]): string[] {
  const named = [
    ...(last(chain).arguments ?? []).map(({ env, name }) => [env, name] as const),
    ...optionsOf(chain).map(({ env, name }) => [env, `--${name}`] as const),
  ].filter((entry): entry is readonly [string, string] => entry[0] !== undefined);
  return list(
    "ENVIRONMENT",
    named
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([variable, name]) => [`.It ${macro("Ev", variable)}`, [escapedLine(`Stands in for ${name}.`)]]),
  );
}

function examples({ examples: given = [] }: Described): string[] {
  if (given.length === 0) return [];
  return [
    ".Sh EXAMPLES",
    ...given.flatMap(({ command, description }, index) => [
      ...(index === 0 ? [] : [".Pp"]),
      escapedLine(`${capital(description)}:`),
      `.Dl ${escaped(command)}`,
    ]),
  ];
}

function seeAlso(chain: readonly Described[], section: 1 | 8): string[] {
  const parents = chain.slice(0, -1).map((_, index) => pageName(chain.slice(0, index + 1)));
  if (parents.length === 0) return [];
  return [
    ".Sh SEE ALSO",
    ...parents.map((name, index) => `.Xr ${name} ${section}${index === parents.length - 1 ? "" : " ,"}`),
  ];
}

function list(title: string, items: readonly (readonly [string, readonly string[]])[]): string[] {
  if (items.length === 0) return [];
  const rows = items.flatMap(([head, body]) => [head.startsWith(".It") ? head : `.It ${head.slice(1)}`, ...body]);
  return [`.Sh ${title}`, ".Bl -tag -width Ds", ...rows, ".El"];
}

function paragraphs(text: string): string[] {
  return text
    .trim()
    .split(/\n{2,}/)
    .flatMap((paragraph, index) => {
      // A sentence begins on a line of its own.
      const sentences = paragraph.replaceAll("\n", " ").split(/(?<=[.!?]) (?=[A-Z])/);
      return [...(index === 0 ? [] : [".Pp"]), ...sentences.map(escapedLine)];
    });
}

function pageName(chain: readonly Described[]): string {
  return chain.map(({ name }) => name).join("-");
}

function last(chain: readonly Described[]): Described {
  const command = chain.at(-1);
  if (command === undefined) throw new TypeError("a manual page for no command");
  return command;
}

function macro(name: string, word: string): string {
  return `${name} ${guarded(word)}`;
}

/** A word that a macro takes as text, though it may be spelt like a macro. */
function guarded(word: string): string {
  return `\\&${escaped(word).replaceAll('"', "\\(dq").replaceAll(" ", "\\ ")}`;
}

/** Text of a line that may begin with anything. */
function escapedLine(text: string): string {
  return /^[.']/.test(text) ? `\\&${escaped(text)}` : escaped(text);
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("…", "...").replaceAll("~", "\\(ti").replaceAll("^", "\\(ha");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function month(date: Date): string {
  return date.toLocaleString("en", { month: "long", timeZone: "UTC" });
}
