import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

export type BackupCode =
  | "not-a-backup"
  | "unknown-version"
  | "truncated"
  | "bad-length"
  | "wrong-passphrase"
  | "tampered"
  | "version-mismatch"
  | "bad-item"
  | "duplicate-item"
  | "missing-item"
  | "bad-trailer"
  | "trailing-data"
  | "wrong-unlock-passphrase"
  | "unreadable-value";

/** What is wrong with a backup file. Exit code 65; 77 where a passphrase does not open it. */
export class BackupError extends Failure<BackupCode> {
  override readonly name = "BackupError";

  constructor(code: BackupCode, message: string, options: FailureOptions = {}) {
    const exit = code === "wrong-passphrase" || code === "wrong-unlock-passphrase" ? Exit.noPerm : Exit.data;
    super(code, exit, message, options);
  }
}
