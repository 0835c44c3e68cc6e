import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  "bad-time": Exit.usage,
  "source-missing": Exit.noInput,
  "source-unreadable": Exit.io,
  "uids-unreadable": Exit.noInput,
  "not-own": Exit.noPerm,
  "no-journalctl": Exit.unavailable,
  "journalctl-failed": Exit.io,
} as const satisfies Record<string, Exit>;

export type AuditErrorCode = keyof typeof exits;

/** Why the journal cannot be looked through. Only those who may read it see this. */
export class AuditError extends Failure<AuditErrorCode> {
  override readonly name = "AuditError";

  constructor(code: AuditErrorCode, message: string, options: Pick<FailureOptions, "hint" | "cause"> = {}) {
    super(code, exits[code], message, options);
  }
}
