import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  usage: Exit.usage,
  "data-dir-in-use": Exit.tempFail,
  "data-dir-unreadable": Exit.io,
  "data-dir-corrupt": Exit.data,
  "tls-files": Exit.config,
  listen: Exit.unavailable,
} as const satisfies Record<string, Exit>;

export type SoftNethsmErrorCode = keyof typeof exits;

/** Why the software NetHSM could not start; what a request may meet is a `Refusal`. */
export class SoftNethsmError extends Failure<SoftNethsmErrorCode> {
  override readonly name = "SoftNethsmError";

  constructor(code: SoftNethsmErrorCode, message: string, options: FailureOptions = {}) {
    super(code, exits[code], message, options);
  }
}
