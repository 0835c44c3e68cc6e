/** What a route is made of. The order in which its parts are asked is in `handler.ts`. */
import type { SystemState } from "@signstar/nethsm/types";
import type { Caller } from "./caller.ts";
import type { Device } from "./device.ts";
import type { Answer } from "./http.ts";
import type { Feature } from "./release.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

export class Context {
  readonly device: Device;
  readonly method: Method;
  readonly peer: string;
  readonly contentType: string | undefined;
  /** For the one route that asks for another passphrase than that of a user. */
  readonly authorization: string | undefined;
  /** Path as sent, for Location. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly #params: ReadonlyMap<string, string>;
  readonly #caller: Caller | undefined;

  constructor(input: {
    device: Device;
    method: Method;
    peer: string;
    contentType: string | undefined;
    authorization: string | undefined;
    path: string;
    query: URLSearchParams;
    params: ReadonlyMap<string, string>;
    caller: Caller | undefined;
  }) {
    this.device = input.device;
    this.method = input.method;
    this.peer = input.peer;
    this.contentType = input.contentType;
    this.authorization = input.authorization;
    this.path = input.path;
    this.query = input.query;
    this.#params = input.params;
    this.#caller = input.caller;
  }

  /** Who was let in; asking on a public route is a bug. */
  get caller(): Caller {
    if (this.#caller === undefined) throw new TypeError("this route is public");
    return this.#caller;
  }

  /** A decoded segment of the path, not yet checked. */
  param(name: string): string {
    const value = this.#params.get(name);
    if (value === undefined) throw new TypeError(`the route has no parameter ${name}`);
    return value;
  }
}

export interface Operation {
  /** Decides on 403; may throw a Refusal of its own. Absent: everybody, without credentials. */
  readonly allow?: (caller: Caller, context: Context) => boolean;
  /** States in which no credentials are asked for although `allow` is there. */
  readonly publicIn?: readonly SystemState[];
  /** Content-Type of the successful answer, for Accept; JSON unless said otherwise. */
  readonly type?: string;
  /** Content-Types of the request; absent: not looked at. A request without one counts as octet-stream. */
  readonly accepts?: readonly string[];
  /** Longest body in bytes; 1 MiB unless said otherwise. */
  readonly limit?: number;
  /** Whether this can change what lasts, and therefore runs alone. */
  readonly changes?: boolean;
  run(context: Context, body: Uint8Array): Answer | Promise<Answer>;
}

export interface Resource {
  /** Below the base path; `{name}` is a parameter. */
  readonly path: string;
  /** Absent: all releases that can be chosen. */
  readonly since?: Feature;
  /** Elsewhere 412. Absent: Operational. */
  readonly states?: readonly SystemState[] | ((device: Device) => readonly SystemState[]);
  /** Whether HEAD works. */
  readonly head?: boolean;
  /** Whether what the path names exists: else 404, but for PUT. May refuse a bad id with 400. */
  readonly exists?: (context: Context) => boolean;
  /** Opaque text that changes with the resource. */
  readonly tag?: (context: Context) => string | undefined;
  readonly operations: Partial<Readonly<Record<Method, Operation>>>;
}

export const limits = {
  body: 1024 * 1024,
  /** 50 MB of bytes as base64. */
  message: 67 * 1024 * 1024,
  /** The device reads updates and backups of any length; we hold them in memory. */
  file: 1024 * 1024 * 1024,
} as const;
