import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

export type OpenPgpErrorCode =
  | "armor" //            not ASCII armor, or its checksum is wrong
  | "truncated" //        ends inside an element
  | "malformed" //        breaks a rule of the standard
  | "unsupported" //      well-formed as far as we can tell, but a version or algorithm we do not know
  | "too-large" //        beyond our bounds
  | "secret-key" //       a secret key where a certificate is wanted
  | "invalid-argument"; // what is to be encoded cannot be: a time out of range, a user id with control characters

/** OpenPGP data that cannot be read, or cannot be made. */
export class OpenPgpError extends Failure<OpenPgpErrorCode> {
  override readonly name = "OpenPgpError";

  constructor(code: OpenPgpErrorCode, message: string, options: FailureOptions = {}) {
    super(code, Exit.data, message, options);
  }
}
