import { Exit, Failure } from "@signstar/primitives/failure";

export type SharingCode =
  | "not-a-share" //         the first line is another one
  | "too-large"
  | "unknown-version"
  | "malformed" //           not text, not JSON, or a member is missing, unknown or of another kind
  | "not-canonical" //       the right content, written otherwise than this room writes it
  | "altered-share" //       does not match its checksum or its commitment
  | "index-zero" //          nobody gets share 0: it would be the secret itself
  | "index-out-of-range"
  | "bad-threshold"
  | "mixed-sets"
  | "duplicate-index"
  | "disagreement" //        one set, but its shares say different things about it
  | "too-few-shares"
  | "damaged-secret"
  | "unknown-intent"
  | "bad-split"; //          what was asked for cannot be split

const exits: Partial<Record<SharingCode, Exit>> = {
  "too-few-shares": Exit.noInput,
  "unknown-intent": Exit.usage,
  "bad-split": Exit.config,
};

/** A share, a set of shares or an intent that is refused. Speaks only of what was handed in: a client may see it. */
export class SharingError extends Failure<SharingCode> {
  override readonly name = "SharingError";

  constructor(code: SharingCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(code, exits[code] ?? Exit.data, message, { ...options, clientSafe: true });
  }
}
