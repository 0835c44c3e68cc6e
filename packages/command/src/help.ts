import type { Argument, Command, Option } from "./spec.ts";

/** Options that every program has. */
export const helpOption: Option = { name: "help", short: "h", description: "show this help" };
export const versionOption: Option = { name: "version", description: "show the version" };

const columns = 100;

/** What the help shows of a command. */
export type Described = Omit<Command, "run"> & { run?: unknown };

/** All options of the last command in `chain`: its own, those of its parents, and the free ones that none of them hides. */
export function optionsOf(chain: readonly Described[]): readonly Option[] {
  const named = [...chain.toReversed().flatMap(({ options }) => options ?? []), helpOption, versionOption];
  return named.filter(({ name }, index) => named.findIndex((other) => other.name === name) === index);
}

/** The help of the last command in `chain`, which begins with the program itself. */
export function helpText(chain: readonly Described[]): string {
  const command = chain.at(-1);
  if (command === undefined) throw new TypeError("help for no command");
  const options = optionsOf(chain);
  return [
    `usage: ${usageLines(chain, command).join("\n       ")}`,
    // Where a paragraph's lines end in the source means nothing here.
    [command.summary, ...(command.description?.trim().split(/\n{2,}/) ?? [])]
      .map((paragraph) => wrapped(paragraph.replaceAll("\n", " "), 0))
      .join("\n\n"),
    table(
      "commands",
      (command.commands ?? []).map(({ name, summary }) => [name, summary]),
    ),
    table(
      "arguments",
      (command.arguments ?? []).map((argument) => [argument.name, withNotes(argument)]),
    ),
    table(
      "options",
      options.map((option) => [optionLabel(option), withNotes(option)]),
    ),
    table(
      "examples",
      (command.examples ?? []).map(({ command, description }) => [command, description]),
      "\n      ",
    ),
  ]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

export function argumentLabel({ name, optional, variadic }: Argument): string {
  const label = variadic === true ? `${name}…` : name;
  return optional === true ? `[${label}]` : label;
}

function usageLines(chain: readonly Described[], command: Described): string[] {
  const start = `${chain.map(({ name }) => name).join(" ")} [options]`;
  const own = [start, ...(command.arguments ?? []).map(argumentLabel)].join(" ");
  if (command.commands === undefined) return [own];
  return command.run === undefined ? [`${start} COMMAND`] : [own, `${start} COMMAND`];
}

function optionLabel({ name, short, value }: Option): string {
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** The description and, in brackets, what else is to know. */
function withNotes(item: Option | Argument): string {
  const notes = notesOf(item);
  return notes.length === 0 ? item.description : `${item.description} (${notes.join("; ")})`;
}

export function notesOf({ choices, default: usual, env, ...rest }: Option | Argument): readonly string[] {
  return [
    choices === undefined ? undefined : `one of ${choices.join(", ")}`,
    usual === undefined ? undefined : `default ${usual}`,
    env === undefined ? undefined : `environment ${env}`,
    "repeatable" in rest && rest.repeatable === true ? "repeatable" : undefined,
  ].filter((note) => note !== undefined);
}

function table(title: string, rows: readonly (readonly [string, string])[], separator?: string): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const lines = rows.map(
    ([label, text]) =>
      `  ${separator === undefined ? label.padEnd(width) + wrapped(text, width + 2) : label + separator + text}`,
  );
  return `${title}:\n${lines.join("\n")}`;
}

/** In lines of at most 100 columns, those after the first indented as deep as the first begins. */
function wrapped(text: string, indent: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && indent + line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
