import { Exit, Failure, type FailureOptions } from "@signstar/primitives/failure";

const exits = {
  "no-mapping": Exit.noUser,
  "wrong-role": Exit.noPerm,
  "no-openpgp": Exit.config,
  "no-connection": Exit.config,
  "certificate-unreadable": Exit.config,
  "certificate-missing": Exit.config,
  "device-refused": Exit.config,
  /** Nothing to hand out. */
  "no-certificate": Exit.noInput,
  "no-wireguard-key": Exit.noInput,
  "wireguard-key-unusable": Exit.config,
  "no-kept-backup": Exit.noInput,
  "kept-backup-damaged": Exit.io,
  "no-client-key": Exit.config,
  "no-share": Exit.noInput,
  "share-damaged": Exit.io,
  /** What a holder confirms or hands in. */
  "other-digest": Exit.data,
  "void-set": Exit.data,
  "other-set": Exit.data,
  "second-share": Exit.noPerm,
  "too-many-shares": Exit.tempFail,
  /** What a device sends as a backup is none. */
  "bad-backup": Exit.protocol,
  "client-stalled": Exit.io,
  /** What is uploaded. */
  "nothing-sent": Exit.noInput,
  "too-large": Exit.data,
  "too-slow": Exit.noInput,
  "cut-off": Exit.io,
  "not-acceptable": Exit.data,
  "no-room": Exit.cantCreate,
  "too-many-uploads": Exit.tempFail,
} as const satisfies Record<string, Exit>;

export type ApplianceErrorCode = keyof typeof exits;

/**
 * Why an appliance does not do what a client asks. Its messages are for the journal; those that are `clientSafe` name
 * no path, HSM user or device.
 */
export class ApplianceError extends Failure<ApplianceErrorCode> {
  override readonly name = "ApplianceError";

  constructor(code: ApplianceErrorCode, message: string, options: FailureOptions = {}) {
    super(code, exits[code], message, options);
  }
}
