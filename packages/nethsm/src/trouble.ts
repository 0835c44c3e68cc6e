import type { NetHsmErrorCode } from "./errors.ts";

/** Why a request failed, before it is known for which endpoint of which device. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  readonly code: NetHsmErrorCode;
  readonly hint: string | undefined;

  constructor(
    code: NetHsmErrorCode,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
