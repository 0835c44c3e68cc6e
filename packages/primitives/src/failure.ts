/** Exit codes: 0 to 2 are answers, the rest is sysexits.h. 255 is ssh's own and never used. */
export const Exit = {
  ok: 0,
  no: 1,
  changes: 2,
  usage: 64,
  data: 65,
  noInput: 66,
  noUser: 67,
  unavailable: 69,
  software: 70,
  cantCreate: 73,
  io: 74,
  tempFail: 75,
  protocol: 76,
  noPerm: 77,
  config: 78,
} as const;

export type Exit = (typeof Exit)[keyof typeof Exit];

export interface FailureOptions {
  /** What to do about it, one sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** True if the message speaks only of what the client itself sent: no path, no HSM user, no config text. */
  readonly clientSafe?: boolean;
}

/**
 * An expected failure. The message says what happened and to what, in lower case and without a full stop;
 * `hint` says what to do. Each room derives one class with a closed union of codes.
 */
export abstract class Failure<Code extends string = string> extends Error {
  readonly code: Code;
  readonly exit: Exit;
  readonly hint: string | undefined;
  readonly clientSafe: boolean;

  constructor(code: Code, exit: Exit, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exit = exit;
    this.hint = options.hint;
    this.clientSafe = options.clientSafe ?? false;
  }
}

/** The text of anything thrown, for a message of our own. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
