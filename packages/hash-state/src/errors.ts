import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

export type StateRefusal =
  | "state-length"
  | "state-output-size"
  | "state-position"
  | "state-fill"
  | "state-block-count"
  | "state-initial-words";

export type HashStateCode = StateRefusal | "file-read";

export class HashStateError extends Failure<HashStateCode> {
  override readonly name = "HashStateError";
}

/** A serialised state is what a client sent, and the message speaks of nothing else. */
export function refuseState(code: StateRefusal, message: string, hint?: string): HashStateError {
  return new HashStateError(code, Exit.data, message, { clientSafe: true, hint });
}

export function readFailed(message: string, options: FailureOptions): HashStateError {
  return new HashStateError("file-read", Exit.io, message, options);
}
