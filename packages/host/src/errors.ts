import { Exit, Failure } from "@signstar/primitives/failure";

const exits = {
  "root-refused": Exit.noPerm,
  "passwd-unreadable": Exit.config,
  "no-such-uid": Exit.noUser,
  "ambiguous-uid": Exit.config,
  "session-unreadable": Exit.config,
  "file-missing": Exit.noInput,
  "file-unreadable": Exit.io,
  "file-unsafe": Exit.noPerm,
  "file-too-large": Exit.data,
  "credential-missing": Exit.config,
  "credential-unsafe": Exit.config,
  "credential-unusable": Exit.config,
  "encryption-failed": Exit.config,
  "program-missing": Exit.config,
  "program-failed": Exit.io,
  "service-missing": Exit.config,
  "service-failed": Exit.tempFail,
  "pins-unusable": Exit.config,
  "state-unusable": Exit.config,
  "summary-unusable": Exit.config,
  "write-failed": Exit.cantCreate,
  "no-room": Exit.cantCreate,
  "staging-unusable": Exit.config,
  "too-many-uploads": Exit.tempFail,
  "journal-unreachable": Exit.tempFail,
} as const satisfies Record<string, Exit>;

export type HostErrorCode = keyof typeof exits;

/** What is wrong with the machine a program runs on. Paths and names are in it: nothing of it is for clients. */
export class HostError extends Failure<HostErrorCode> {
  override readonly name = "HostError";

  constructor(code: HostErrorCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(code, exits[code], message, options);
  }
}

/** The `code` of an error from the operating system, such as ENOENT. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}
