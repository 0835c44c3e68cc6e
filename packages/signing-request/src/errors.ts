import type { StateRefusal } from "@signstar/hash-state/errors";
import { Exit, Failure } from "@signstar/primitives/failure";

export type JsonRefusal =
  | "empty"
  | "too-large"
  | "not-utf8"
  | "json-syntax"
  | "json-trailing-data"
  | "json-duplicate-member"
  | "json-lone-surrogate"
  | "json-too-deep"
  | "json-too-many-members";

export type RequestCode =
  | JsonRefusal
  | StateRefusal
  | "not-an-object"
  | "missing-member"
  | "unknown-member"
  | "not-text"
  | "version-malformed"
  | "version-unsupported"
  | "input-type-unknown"
  | "output-type-unknown"
  | "content-not-array"
  | "content-not-bytes"
  | "signature-not-armored"
  | "frame-id"
  | "frame-digest";

/** A request (or, on the client, a response) that is refused. Speaks only of the document: a client may see it. */
export class RequestError extends Failure<RequestCode> {
  override readonly name = "RequestError";

  constructor(
    code: RequestCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown; exit?: Exit } = {},
  ) {
    super(code, options.exit ?? Exit.data, message, { hint: options.hint, cause: options.cause, clientSafe: true });
  }
}

/** Text of somebody else for a message of ours: in quotes, shortened, everything but printable ASCII escaped. */
export function quote(text: string): string {
  const start = text.slice(0, 40);
  const escaped = start.replace(/[^ !#-[\]-~]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
  return `"${escaped}${start.length < text.length ? "…" : ""}"`;
}
