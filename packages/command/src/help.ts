import type { Argument, Command, Option } from "./spec.ts";

/** Options that every program has. */
export const helpOption: Option = { name: "help", short: "h", description: "show this help" };
export const versionOption: Option = { name: "version", description: "show the version" };

/** What the help shows of a command. */
type Described = Omit<Command, "run"> & { run?: unknown };

/** The help of the last command in `chain`, which begins with the program itself. */
export function helpText(chain: readonly Described[]): string {
  const command = chain.at(-1);
  if (command === undefined) throw new TypeError("help for no command");
  const options = [...chain.toReversed().flatMap(({ options }) => options ?? []), helpOption, versionOption];
  return [
    `usage: ${usageLines(chain, command).join("\n       ")}`,
    `${command.summary}${command.description === undefined ? "" : `\n\n${command.description.trim()}`}`,
    table(
      "commands",
      (command.commands ?? []).map(({ name, summary }) => [name, summary]),
    ),
    table(
      "arguments",
      (command.arguments ?? []).map((argument) => [argument.name, argument.description]),
    ),
    table(
      "options",
      options.map((option) => [optionLabel(option), optionText(option)]),
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

function optionText(option: Option): string {
  const extra = [
    option.choices === undefined ? undefined : `one of ${option.choices.join(", ")}`,
    option.default === undefined ? undefined : `default ${option.default}`,
    option.env === undefined ? undefined : `environment ${option.env}`,
    option.repeatable === true ? "repeatable" : undefined,
  ].filter((part) => part !== undefined);
  return extra.length === 0 ? option.description : `${option.description} (${extra.join("; ")})`;
}

function table(title: string, rows: readonly (readonly [string, string])[], separator?: string): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const lines = rows.map(
    ([label, text]) => `  ${separator === undefined ? label.padEnd(width) : label + separator}${text}`,
  );
  return `${title}:\n${lines.join("\n")}`;
}
