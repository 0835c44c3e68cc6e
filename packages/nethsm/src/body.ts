/** Request bodies. What is secret in them is put into words only when the connection is known to be the right one. */
import { randomBytes } from "node:crypto";
import { concat, fromUtf8, toBase64, toUtf8 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A body of known bytes, made anew whenever it is sent, or one that is streamed once. */
export type Body =
  | { readonly type: string; readonly bytes: () => Uint8Array }
  | {
      readonly type: string;
      readonly length: () => number | undefined;
      readonly chunks: () => Chunks;
    };

/** A string that is made when the request is written. */
export class Late {
  readonly reveal: () => string;

  constructor(reveal: () => string) {
    this.reveal = reveal;
  }
}

/** Members that are undefined are left out: an old device refuses members that it does not know. */
export type Json =
  | string
  | number
  | boolean
  | null
  | undefined
  | Late
  | readonly Json[]
  | { readonly [name: string]: Json };

export function lateText(secret: Secret): Late {
  return new Late(() => secret.use(fromUtf8));
}

export function lateBase64(secret: Secret): Late {
  return new Late(() => secret.use(toBase64));
}

export function jsonBytes(value: Json): Uint8Array {
  return toUtf8(JSON.stringify(value, (_name, member: unknown) => (member instanceof Late ? member.reveal() : member)));
}

export function jsonBody(value: Json): Body {
  return { type: "application/json", bytes: () => jsonBytes(value) };
}

export function rawBody(type: "application/octet-stream" | "application/x-pem-file", bytes: Uint8Array): Body {
  return { type, bytes: () => bytes.slice() };
}

/** A file that need not fit into memory; `size` in bytes, if known. */
export interface FileSource {
  readonly chunks: Chunks;
  readonly size?: number | undefined;
}

export function fileBody(file: FileSource): Body {
  return { type: "application/octet-stream", length: () => file.size, chunks: () => file.chunks };
}

/**
 * multipart/form-data (RFC 7578) of a JSON part and a file. The device tells them apart by their order (restore) or
 * by the order of their names (import), so `arguments` comes first in both.
 */
export function multipartBody(fileName: "backup_file" | "key_file", args: Json, file: FileSource | Secret): Body {
  const boundary = `signstar-${randomBytes(18).toString("hex")}`;
  const type = `multipart/form-data; boundary=${boundary}`;
  const part = (name: string, contentType: string, fileName = "") =>
    toUtf8(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${fileName}\r\nContent-Type: ${contentType}\r\n\r\n`,
    );
  const fileType = fileName === "key_file" ? "application/x-pem-file" : "application/octet-stream";
  const lineEnd = toUtf8("\r\n");
  const head = () =>
    concat(
      part("arguments", "application/json"),
      jsonBytes(args),
      lineEnd,
      part(fileName, fileType, `; filename="${fileName}"`),
    );
  const tail = toUtf8(`\r\n--${boundary}--\r\n`);

  if (!("chunks" in file)) return { type, bytes: () => file.use((bytes) => concat(head(), bytes, tail)) };
  return {
    type,
    length: () => (file.size === undefined ? undefined : head().length + file.size + tail.length),
    chunks: async function* () {
      yield head();
      yield* file.chunks;
      yield tail;
    },
  };
}
