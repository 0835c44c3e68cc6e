import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

export type ConfigErrorCode = "missing" | "unreadable" | "syntax" | "invalid" | "no-mapping";

/** One thing that is wrong in a config, and where. */
export interface Problem {
  /** Table path as in `users[3].system_nethsm_backup.ssh_authorized_key`; empty for the file as a whole. */
  readonly path: string;
  /** Line in the file, counted from 1; undefined if the file has no line for it. */
  readonly line: number | undefined;
  readonly message: string;
}

/** What is wrong with a config (exit 78), or with its use by a user it does not know (exit 67). */
export class ConfigError extends Failure<ConfigErrorCode> {
  override readonly name = "ConfigError";
  /** All problems of the file in the order of its lines; empty unless the code is `syntax` or `invalid`. */
  readonly problems: readonly Problem[];

  constructor(
    code: ConfigErrorCode,
    message: string,
    options: FailureOptions & { readonly problems?: readonly Problem[] } = {},
  ) {
    super(code, code === "no-mapping" ? Exit.noUser : Exit.config, message, options);
    this.problems = options.problems ?? [];
  }
}

/** `line 12: users[3].tag: …` */
export function describeProblem(problem: Problem): string {
  return [problem.line === undefined ? "" : `line ${problem.line}`, problem.path, problem.message]
    .filter((part) => part !== "")
    .join(": ");
}
