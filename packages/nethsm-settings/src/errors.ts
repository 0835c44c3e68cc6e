import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  /** The file of settings. */
  "settings-missing": Exit.noInput,
  "settings-unreadable": Exit.noInput,
  "settings-invalid": Exit.config,
  "settings-busy": Exit.tempFail,
  "no-place": Exit.config,
  /** What is asked of the settings. */
  "no-device": Exit.config,
  "which-device": Exit.usage,
  "unknown-device": Exit.config,
  "known-device": Exit.cantCreate,
  "known-credentials": Exit.cantCreate,
  "unknown-credentials": Exit.config,
  "bad-word": Exit.usage,
  /** Credentials for a request. */
  "no-credentials": Exit.usage,
  "no-passphrase": Exit.usage,
  "bad-passphrase": Exit.data,
  "passphrase-unreadable": Exit.noInput,
  "passphrase-command": Exit.unavailable,
  /** Writing any file. */
  "file-exists": Exit.cantCreate,
  "file-not-written": Exit.cantCreate,
} as const satisfies Record<string, Exit>;

export type SettingsErrorCode = keyof typeof exits;

export class SettingsError extends Failure<SettingsErrorCode> {
  override readonly name = "SettingsError";

  constructor(code: SettingsErrorCode, message: string, options: FailureOptions = {}) {
    super(code, exits[code], message, options);
  }
}

export interface Problem {
  /** Where: `devices.test.connection.url`. */
  readonly path: string;
  readonly message: string;
}

/** All that is wrong with a file of settings. */
export class InvalidSettings extends SettingsError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], file = "settings") {
    const lines = problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
    super("settings-invalid", `${file}: ${lines.join("; ")}`, { hint: "mend the settings by hand" });
    this.problems = problems;
  }
}
