import type { Exit } from "@signstar/primitives/failure";
import type { Io } from "./io.ts";

/** `--name`; with `value` it takes one (the placeholder in the help), without it is a flag. */
export interface Option {
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  readonly value?: string;
  readonly description: string;
  /** May be given several times; `Options.list` has them all. Other options with a value are refused when given twice. */
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  /** Case, `-` and `_` do not count in a choice; the program sees it spelt as in `choices`. */
  readonly loose?: boolean;
  readonly default?: string;
  /**
   * Environment variable that stands in for the option; never read by programs behind ForceCommand. A flag is given by
   * any value but an empty one, n, no, f, false, off and 0.
   */
  readonly env?: string;
}

export interface Argument {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  /** Takes all remaining words; only for the last argument. */
  readonly variadic?: boolean;
  /** Environment variable that the program reads when the word is missing; then it may be. */
  readonly env?: string;
  /** For help and completion; the program checks the word. */
  readonly choices?: readonly string[];
  readonly default?: string;
}

export interface Example {
  readonly command: string;
  readonly description: string;
}

/** What was given on the command line. Asking for an option that the command does not have is a bug and throws TypeError. */
export interface Options {
  /** The value of an option that takes one: given, else from the environment, else the default. */
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** All values of a repeatable option, in order. */
  list(name: string): readonly string[];
}

export interface Invocation {
  readonly options: Options;
  /** The positional words, as many as `arguments` allows; behind ForceCommand the client's words. */
  readonly args: readonly string[];
  readonly io: Io;
}

/** One executable or one of its subcommands: what is needed to parse, to help and to run. */
export interface Command {
  readonly name: string;
  /** One line, lower case, no full stop. */
  readonly summary: string;
  readonly description?: string;
  /** Options of a command are also understood behind its subcommands. `--help` and `--version` come for free. */
  readonly options?: readonly Option[];
  readonly arguments?: readonly Argument[];
  readonly examples?: readonly Example[];
  readonly commands?: readonly Command[];
  /** Returns nothing or the exit code of an answer (0, 1, 2); throws a Failure for everything else. */
  run?(invocation: Invocation): Promise<Exit | undefined> | Promise<void>;
}
