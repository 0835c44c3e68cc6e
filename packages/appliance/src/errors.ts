import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  "wrong-role": Exit.noPerm,
  "no-openpgp": Exit.config,
  "no-connection": Exit.config,
  "credential-kind": Exit.config,
  "certificate-unreadable": Exit.config,
  "certificate-missing": Exit.config,
  "device-refused": Exit.config,
} as const satisfies Record<string, Exit>;

export type ApplianceErrorCode = keyof typeof exits;

/** Why an appliance does not do what a client asks. Its messages are for the journal, never for the client. */
export class ApplianceError extends Failure<ApplianceErrorCode> {
  override readonly name = "ApplianceError";

  constructor(code: ApplianceErrorCode, message: string, options: Omit<FailureOptions, "clientSafe"> = {}) {
    super(code, exits[code], message, options);
  }
}
