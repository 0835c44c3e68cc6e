/** What can go wrong between us and a device. */
import { Exit, Failure } from "@signstar/primitives/failure";

const exits = {
  /** Not accepted before anything was sent. */
  "bad-url": Exit.usage,
  "bad-pin": Exit.usage,
  "invalid-argument": Exit.usage,
  "no-credentials": Exit.usage,
  /** No connection: nothing was sent, credentials neither. */
  unreachable: Exit.unavailable,
  "connect-timeout": Exit.unavailable,
  "tls-timeout": Exit.unavailable,
  "tls-failed": Exit.unavailable,
  "tls-untrusted": Exit.unavailable,
  "tls-pin-mismatch": Exit.unavailable,
  "start-timeout": Exit.unavailable,
  /** Sent, but no (whole) answer. */
  "connection-lost": Exit.unavailable,
  "headers-timeout": Exit.unavailable,
  "body-timeout": Exit.unavailable,
  "answer-too-large": Exit.protocol,
  "bad-answer": Exit.protocol,
  /** The device refused: status 400, 401, 403, 404, 405 and its like, 409, 412, 413, 429, 5xx. */
  "bad-request": Exit.data,
  unauthorized: Exit.noPerm,
  forbidden: Exit.noPerm,
  "not-found": Exit.noInput,
  unsupported: Exit.unavailable,
  conflict: Exit.cantCreate,
  "wrong-state": Exit.unavailable,
  "too-large": Exit.data,
  "too-many-requests": Exit.tempFail,
  "device-error": Exit.unavailable,
  /** A pool has asked every device. */
  "no-device": Exit.unavailable,
} as const satisfies Record<string, Exit>;

export type NetHsmErrorCode = keyof typeof exits;

export interface NetHsmErrorOptions {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  readonly exit?: Exit;
  /** Which device: its URL. */
  readonly device?: string | undefined;
  /** Which endpoint: `GET /users`. */
  readonly endpoint?: string | undefined;
  /** The HTTP status, where the device answered. */
  readonly status?: number | undefined;
  /** The device's own words, printable and at most 500 characters. */
  readonly deviceMessage?: string | undefined;
}

/** A failure of the device, of the way to it, or of what was asked of it. */
export class NetHsmError extends Failure<NetHsmErrorCode> {
  override readonly name = "NetHsmError";
  readonly device: string | undefined;
  readonly endpoint: string | undefined;
  readonly status: number | undefined;
  readonly deviceMessage: string | undefined;

  constructor(code: NetHsmErrorCode, message: string, options: NetHsmErrorOptions = {}) {
    super(code, options.exit ?? exits[code], message, { hint: options.hint, cause: options.cause });
    this.device = options.device;
    this.endpoint = options.endpoint;
    this.status = options.status;
    this.deviceMessage = options.deviceMessage;
  }
}

/** An argument that the device would refuse, found before it is asked. */
export function invalidArgument(message: string, hint?: string): NetHsmError {
  return new NetHsmError("invalid-argument", message, { hint });
}
