/** One line of a batch: a request with the client's id for it, and the answer that carries the id back. */
import { limits } from "@signstar/primitives/limits";
import { RequestError } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, readJson, writeJson } from "./json.ts";
import { closedObject, objectAt, textAt } from "./members.ts";
import { parseSigningRequestValue, type SigningRequest } from "./request.ts";
import { asAnswer, parseSigningResponseValue, responseValue } from "./response.ts";

const idLength = 128;
/** A frame is one object around a document that may be as deep as one sent alone. */
const frameLimits = { bytes: limits.requestBytes, depth: limits.jsonDepth + 1 };

export type BatchFrame =
  | { readonly id: string; readonly request: SigningRequest }
  /** The id is null where it could not be read. */
  | { readonly id: string | null; readonly refusal: RequestError };

export type BatchAnswer =
  /** `digest` is the SHA-512 of the file in lower-case hexadecimal digits, `signature` is armored. */
  | { readonly id: string; readonly digest: string; readonly signature: string }
  | { readonly id: string | null; readonly error: { readonly code: string; readonly message: string } };

/** A line without its newline, at most 64 KiB. Never throws for what is in it: one bad frame is one error frame. */
export function parseBatchFrame(line: Uint8Array): BatchFrame {
  let id: string | null = null;
  try {
    const frame = readJson(line, frameLimits);
    id = isJsonObject(frame) ? idIn(frame) : null;
    const [, request] = closedObject(frame, "frame", "id", "request");
    return { id: parseId(id), request: parseSigningRequestValue(request) };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { id, refusal: error };
  }
}

/** `request` is what `encodeSigningRequest` gave. No newline. @throws RequestError `frame-id` */
export function encodeBatchFrame(id: string, request: string): string {
  return `{"id":${JSON.stringify(parseId(id))},"request":${request}}`;
}

/** No newline. */
export function encodeBatchAnswer(answer: BatchAnswer): string {
  const body: [string, JsonValue][] =
    "error" in answer
      ? [["error", new Map(Object.entries({ code: answer.error.code, message: answer.error.message }))]]
      : [
          ["digest", answer.digest],
          ["response", responseValue(answer.signature)],
        ];
  return writeJson(new Map<string, JsonValue>([["id", answer.id], ...body]));
}

/** Strict. @throws RequestError (exit 76) */
export function parseBatchAnswer(line: Uint8Array): BatchAnswer {
  return asAnswer(() => {
    const frame = objectAt(readJson(line, frameLimits), "frame");
    if (frame.has("error")) {
      const [id, error] = closedObject(frame, "frame", "id", "error");
      const [code, message] = closedObject(error, "error", "code", "message");
      return {
        id: id === null ? null : parseId(textAt(id, "id")),
        error: { code: textAt(code, "error.code"), message: textAt(message, "error.message") },
      };
    }
    const [id, digest, response] = closedObject(frame, "frame", "id", "digest", "response");
    const { signature } = parseSigningResponseValue(response);
    return { id: parseId(textAt(id, "id")), digest: parseDigest(textAt(digest, "digest")), signature };
  });
}

function idIn(frame: JsonObject): string | null {
  const id = frame.get("id");
  return typeof id === "string" && id.length <= idLength ? id : null;
}

function parseId(id: string | null): string {
  if (id === null || id.length > idLength) {
    throw new RequestError("frame-id", `id is not a text of at most ${idLength} characters`);
  }
  return id;
}

function parseDigest(digest: string): string {
  if (!/^[0-9a-f]{128}$/.test(digest)) throw new RequestError("frame-digest", "digest is not that of a SHA-512");
  return digest;
}
