/** The signing response, version 1: an armored signature. */
import { Exit } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { RequestError } from "./errors.ts";
import { type JsonValue, readJson, writeJson } from "./json.ts";
import { closedObject, formatVersion, textAt, versionAt } from "./members.ts";

export interface SigningResponse {
  readonly version: string;
  /** An armored OpenPGP signature by its looks (RFC 9580 §6.2); what is in it has still to be read. */
  readonly signature: string;
}

/** Compact JSON without a newline. */
export function encodeSigningResponse(armored: string): string {
  return writeJson(responseValue(armored));
}

export function responseValue(armored: string): JsonValue {
  return new Map([
    ["version", formatVersion],
    ["signature", armored],
  ]);
}

/** Strict. @throws RequestError (exit 76: the other side does not speak the protocol) */
export function parseSigningResponse(bytes: Uint8Array): SigningResponse {
  return asAnswer(() => parseSigningResponseValue(readJson(bytes, { bytes: limits.requestBytes })));
}

/** @throws RequestError */
export function parseSigningResponseValue(value: JsonValue): SigningResponse {
  const [version, signature] = closedObject(value, "response", "version", "signature");
  const sent = versionAt(version, "version");
  const text = textAt(signature, "signature");
  if (!armoredSignature.test(text)) {
    throw new RequestError("signature-not-armored", "signature is not an armored OpenPGP signature");
  }
  return { version: sent, signature: text };
}

/** Whoever sent it, the fault is not in what the user gave us. */
export function asAnswer<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof RequestError)) throw cause;
    throw new RequestError(cause.code, `server's answer is not as it should be: ${cause.message}`, {
      cause,
      exit: Exit.protocol,
      hint: "ask the server's operator which version it runs",
    });
  }
}

/** Header line, header fields, empty line, base64, an optional checksum, tail line; nothing around it. */
const armoredSignature = new RegExp(
  [
    "^-----BEGIN PGP SIGNATURE-----\\r?\\n",
    "(?:[!-9;-~]+: [^\\r\\n]*\\r?\\n)*\\r?\\n",
    "(?:[A-Za-z0-9+/]{1,76}={0,2}\\r?\\n)+",
    "(?:=[A-Za-z0-9+/]{4}\\r?\\n)?",
    "-----END PGP SIGNATURE-----(?:\\r?\\n)?$",
  ].join(""),
);
