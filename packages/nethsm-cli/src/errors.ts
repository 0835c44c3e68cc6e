import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  "bad-word": Exit.usage,
  "not-interactive": Exit.usage,
  "passphrases-differ": Exit.usage,
  "terminal-output": Exit.usage,
  "input-unreadable": Exit.noInput,
  "input-too-large": Exit.data,
  "not-a-key": Exit.data,
  "missing-item": Exit.noInput,
  "sealed-item": Exit.usage,
  "no-certificate": Exit.noInput,
  "device-locked": Exit.unavailable,
  "no-openpgp": Exit.unavailable,
} as const satisfies Record<string, Exit>;

export type CliErrorCode = keyof typeof exits;

/** What goes wrong between a person and `nethsm` itself. */
export class CliError extends Failure<CliErrorCode> {
  override readonly name = "CliError";

  constructor(code: CliErrorCode, message: string, options: FailureOptions = {}) {
    super(code, exits[code], message, options);
  }
}
