import { Exit } from "@signstar/primitives/failure";
import { CommanderError, Command as Parser, Option as ParserOption } from "commander";
import { usageError } from "./errors.ts";
import { helpOption, helpText, versionOption } from "./help.ts";
import type { Io } from "./io.ts";
import { resolveOptions } from "./options.ts";
import { errorLines, reportOf, traceLines } from "./report.ts";
import type { Command, Option } from "./spec.ts";
import { supervise } from "./supervise.ts";
import { version } from "./version.ts";

/**
 * Runs this process as `program`: parses the command line, runs what it names, sends the payload if that went well and
 * sets the exit code. What goes wrong is told on standard error.
 */
export async function run(program: Command): Promise<void> {
  await supervise(program.name, {
    body: (io) => runWith(program, process.argv.slice(2), io),
    describe: async (thrown) => {
      const report = reportOf(thrown);
      const trace = report.correlationId === undefined ? "" : traceLines(program.name, thrown);
      return { exit: report.exit, lines: errorLines(program.name, report) + trace };
    },
  });
}

/** The same with the words and the Io as arguments. */
export async function runWith(program: Command, words: readonly string[], io: Io): Promise<Exit> {
  const choice = parse(program, words);
  if (choice.kind === "print") {
    io.write(choice.text);
    return Exit.ok;
  }
  const specs = choice.chain.toReversed().flatMap(({ options }) => options ?? []);
  const options = resolveOptions(specs, choice.given, process.env);
  return (await choice.command.run?.({ options, args: choice.args, io })) ?? Exit.ok;
}

type Choice =
  | { readonly kind: "print"; readonly text: string }
  | {
      readonly kind: "run";
      readonly command: Command;
      readonly chain: readonly Command[];
      readonly given: ReadonlyMap<string, readonly string[]>;
      readonly args: readonly string[];
    };

function parse(program: Command, words: readonly string[]): Choice {
  let choice: Choice | undefined;
  const parser = build(new Parser(program.name), [program], (made) => {
    choice = made;
  });
  if (!hidesVersion(program, words)) parser.version(version, `--${versionOption.name}`, versionOption.description);
  try {
    parser.parse(attached(program, words), { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.code === "commander.version") return { kind: "print", text: `${program.name} ${version}\n` };
    if (thrown.code !== "commander.helpDisplayed") throw parserError(program, thrown);
  }
  if (choice === undefined) throw usageError("a command is missing", `see ${program.name} --help`);
  return choice;
}

/** Whether the words name a command that has an option of its own called --version. */
function hidesVersion(program: Command, words: readonly string[]): boolean {
  return (
    chainOf(program, words)
      .at(-1)
      ?.options?.some(({ name }) => name === versionOption.name) === true
  );
}

/** The program and the commands that the words name. */
function chainOf(program: Command, words: readonly string[]): readonly Command[] {
  const chain = [program];
  for (const word of words) {
    const next = chain.at(-1)?.commands?.find(({ name }) => name === word);
    if (next !== undefined) chain.push(next);
  }
  return chain;
}

/** `-l=a` means `-la`, as it does elsewhere; the parser would take the sign for a part of the value. */
function attached(program: Command, words: readonly string[]): readonly string[] {
  const options = chainOf(program, words).flatMap((command) => command.options ?? []);
  const end = words.indexOf("--");
  return words.map((word, at) => {
    const [, letter, value] = /^-([a-zA-Z])=(.+)$/s.exec(word) ?? [];
    const takesValue = options.some((option) => option.short === letter && option.value !== undefined);
    return letter !== undefined && takesValue && (end === -1 || at < end) ? `-${letter}${value}` : word;
  });
}

/** Fills `parser` from the last command of `chain`; `chosen` is told what the words say. */
function build(parser: Parser, chain: readonly Command[], chosen: (choice: Choice) => void): Parser {
  const command = chain.at(-1);
  if (command === undefined) throw new TypeError("a parser for no command");
  parser.exitOverride();
  parser.helpCommand(false);
  parser.helpOption(`-${helpOption.short}, --${helpOption.name}`, helpOption.description);
  parser.configureOutput({ writeOut: () => undefined, writeErr: () => undefined, outputError: () => undefined });
  parser.configureHelp({
    formatHelp: () => {
      const text = helpText(chain);
      chosen({ kind: "print", text });
      return text;
    },
  });
  for (const option of command.options ?? []) parser.addOption(parserOption(option));
  for (const argument of command.arguments ?? []) {
    const name = argument.variadic === true ? `${argument.name}...` : argument.name;
    const mayMiss =
      argument.optional === true || (argument.env !== undefined && process.env[argument.env] !== undefined);
    parser.argument(mayMiss ? `[${name}]` : `<${name}>`, argument.description);
  }
  for (const sub of command.commands ?? []) build(parser.command(sub.name), [...chain, sub], chosen);
  if (command.run !== undefined) {
    parser.action(() => {
      chosen({ kind: "run", command, chain, given: givenTo(parser, chain), args: parser.args });
    });
  }
  return parser;
}

/** Values are only collected here; defaults, choices and the environment are the business of resolveOptions. */
function parserOption({ name, short, value, description }: Option): ParserOption {
  const flags = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` <${value}>`}`;
  const option = new ParserOption(flags, description);
  if (value !== undefined) option.argParser((word: string, before?: string[]) => [...(before ?? []), word]);
  return option;
}

/** A command's options may be found by any parser from it up to the program's. */
function givenTo(leaf: Parser, chain: readonly Command[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  let parser: Parser | null = leaf;
  for (const command of chain.toReversed()) {
    for (const { name } of command.options ?? []) {
      const option = parser?.options.find(({ long }) => long === `--${name}`);
      const value: unknown = option === undefined ? undefined : parser?.getOptionValue(option.attributeName());
      // A flag called no-… reads as true unless given.
      if (value === undefined || (option?.negate === true && value === true)) continue;
      given.set(name, [...(given.get(name) ?? []), ...(Array.isArray(value) ? value.map(String) : [])]);
    }
    parser = parser?.parent ?? null;
  }
  return given;
}

/** The parser's message in our form: lower case, no full stop, its suggestion as a hint. */
function parserError(program: Command, error: CommanderError): Error {
  const hint = `see ${program.name} --help`;
  if (error.code === "commander.help") return usageError("a command is missing", hint);
  const [first = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const message = first.replace(/\.$/, "");
  const text = message.charAt(0).toLowerCase() + message.slice(1);
  return usageError(text, suggestion === undefined ? hint : suggestion.replace(/^\((.*)\)$/, "$1").replace(/^D/, "d"));
}
