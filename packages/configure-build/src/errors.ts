import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  "not-root": Exit.noPerm,
  "bad-word": Exit.usage,
  "bad-root": Exit.usage,
  "name-taken": Exit.config,
  "uid-taken": Exit.config,
  "uid-missing": Exit.config,
  "bad-record": Exit.config,
  "bad-target": Exit.config,
  "outside-root": Exit.config,
  "tool-failed": Exit.cantCreate,
} as const satisfies Record<string, Exit>;

export type ConfigureBuildErrorCode = keyof typeof exits;

/** Why a system is not made what the config says. Only root and image builders see it. */
export class ConfigureBuildError extends Failure<ConfigureBuildErrorCode> {
  override readonly name = "ConfigureBuildError";

  constructor(code: ConfigureBuildErrorCode, message: string, options: Pick<FailureOptions, "hint" | "cause"> = {}) {
    super(code, exits[code], message, options);
  }
}
