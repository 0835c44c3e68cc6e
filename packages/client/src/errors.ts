import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exitOf = {
  usage: Exit.usage,
  "no-input": Exit.noInput,
  "read-failed": Exit.io,
  "file-changed": Exit.tempFail,
  "cannot-create": Exit.cantCreate,
  "connection-failed": Exit.unavailable,
  "host-key-refused": Exit.unavailable,
  "login-refused": Exit.unavailable,
  "no-answer": Exit.tempFail,
  "remote-failed": Exit.protocol,
  "bad-answer": Exit.protocol,
  "not-this-file": Exit.protocol,
  "does-not-verify": Exit.protocol,
  "bad-certificate": Exit.data,
  "bad-share": Exit.data,
  "some-failed": Exit.software,
} as const satisfies Record<string, Exit>;

export type ClientCode = keyof typeof exitOf;

/** What can go wrong between a file and its signature, or a holder and their share. The exit code follows from the code unless one is given. */
export class ClientError extends Failure<ClientCode> {
  override readonly name = "ClientError";

  constructor(code: ClientCode, message: string, options: FailureOptions & { readonly exit?: Exit } = {}) {
    super(code, options.exit ?? exitOf[code], message, options);
  }
}

/** True if no session came about: the next file would most likely meet the same. */
export function isConnectionFailure(thrown: unknown): boolean {
  return thrown instanceof ClientError && connectionCodes.has(thrown.code);
}

const connectionCodes: ReadonlySet<ClientCode> = new Set(["connection-failed", "host-key-refused", "login-refused"]);
