/** Requests and answers as the handler sees them: no socket, no stream. */
import type { IncomingHttpHeaders } from "node:http";
import { toUtf8 } from "@signstar/primitives/bytes";

export interface Request {
  readonly method: string;
  /** As in the request line: path with query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Address of the client, for the rate limit. */
  readonly peer: string;
  /** Bytes announced by Content-Length; undefined when chunked or absent. */
  readonly contentLength: number | undefined;
  /** Reads the body, at most `limit` bytes; throws Refusal 413 beyond. Called at most once. */
  body(limit: number): Promise<Uint8Array>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Thrown wherever a request is refused. Without a message the body is empty, as the device has it for most refusals. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly answer: Answer;

  constructor(status: number, message?: string, headers: Readonly<Record<string, string>> = {}) {
    super(message ?? `refused with ${status}`);
    this.status = status;
    const body = message === undefined ? new Uint8Array(0) : toUtf8(JSON.stringify({ message }));
    this.answer = { status, headers: { "content-type": mediaTypes.json, ...headers }, body };
  }
}

export const mediaTypes = {
  json: "application/json",
  pem: "application/x-pem-file",
  bytes: "application/octet-stream",
  form: "multipart/form-data",
} as const;

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": mediaTypes.json, ...headers }, body: toUtf8(JSON.stringify(value)) };
}

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": mediaTypes.json, ...headers }, body: new Uint8Array(0) };
}

export function bytes(body: Uint8Array, type: string): Answer {
  return { status: 200, headers: { "content-type": type }, body };
}

export function pem(text: string): Answer {
  return bytes(toUtf8(text), mediaTypes.pem);
}

/** What every action that changes something answers when there is nothing to say. */
export function done(): Answer {
  return empty(204, { "cache-control": "no-cache" });
}

/** The answer to setting what is set already. */
export function unchanged(): Answer {
  return { status: 304, headers: {}, body: new Uint8Array(0) };
}
