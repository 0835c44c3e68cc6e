import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  "not-root": Exit.noPerm,
  "bad-root": Exit.usage,
  "not-supported": Exit.config,
  "too-few-holders": Exit.config,
  "shared-secret": Exit.config,
  "no-connection": Exit.config,
  "no-pin": Exit.config,
  "bad-credentials": Exit.config,
  "no-credentials": Exit.config,
  "credentials-refused": Exit.noPerm,
  "no-system-user": Exit.config,
  conflict: Exit.config,
  "device-failed": Exit.unavailable,
  "bad-backup": Exit.protocol,
  "left-out": Exit.config,
  "out-of-reach": Exit.unavailable,
  "backup-passphrase-refused": Exit.config,
  "wrong-state": Exit.unavailable,
  "no-staged-file": Exit.noInput,
  "unfit-file": Exit.data,
  "foreign-backup": Exit.noPerm,
  "not-updated": Exit.unavailable,
  "certificate-unknown": Exit.unavailable,
  running: Exit.tempFail,
  io: Exit.io,
} as const;

export type ConfigureCode = keyof typeof exits;

/** Why a device is not made what the config says. */
export class ConfigureError extends Failure<ConfigureCode> {
  override readonly name = "ConfigureError";

  constructor(code: ConfigureCode, message: string, options: FailureOptions = {}) {
    super(code, exits[code], message, options);
  }
}

/** What to make of a device that refuses what this host has for it. */
export const refusedHint =
  "the admin credentials belong to another device, to an earlier provisioning, or to a rotation that was not finished here";
