/** The signing request, version 1: what a client sends instead of the file. */
import type { Sha512State, StateLayout } from "@signstar/hash-state/sha512-state";
import { limits } from "@signstar/primitives/limits";
import { RequestError } from "./errors.ts";
import { type JsonValue, readJson, writeJson } from "./json.ts";
import { closedObject, formatVersion, objectAt, versionAt } from "./members.ts";
import { encodeInput, encodeOutput, parseInput, parseOutput, type RequestInput, type RequestOutput } from "./types.ts";

export interface SigningRequest {
  /** Semantic version as sent, major version 1. */
  readonly version: string;
  readonly input: RequestInput;
  readonly output: RequestOutput;
  /** Whatever else the client says. A signer neither needs nor believes it. */
  readonly optional: ReadonlyMap<string, JsonValue>;
}

/**
 * Reads at most 64 KiB of JSON. Unknown members are refused everywhere but in `optional`.
 * @throws RequestError (exit 65, safe to show to the client), one code for each kind of refusal
 */
export function parseSigningRequest(bytes: Uint8Array): SigningRequest {
  return parseSigningRequestValue(readJson(bytes, { bytes: limits.requestBytes }));
}

/** A request inside another document that `readJson` has read. @throws RequestError as `parseSigningRequest` */
export function parseSigningRequestValue(value: JsonValue): SigningRequest {
  const [version, required, optional] = closedObject(value, "request", "version", "required", "optional");
  const sent = versionAt(version, "version");
  const [input, output] = closedObject(required, "required", "input", "output");
  return {
    version: sent,
    input: parseInput(input, "required.input"),
    output: parseOutput(output, "required.output"),
    optional: objectAt(optional, "optional"),
  };
}

/** Compact JSON without a newline. @throws RequestError if a name occurs twice in `optional` */
export function encodeSigningRequest(request: {
  readonly state: Sha512State;
  readonly layout?: StateLayout | undefined;
  readonly optional?: Iterable<readonly [string, JsonValue]> | undefined;
}): string {
  const optional = new Map<string, JsonValue>();
  for (const [name, value] of request.optional ?? []) {
    if (optional.has(name)) throw new RequestError("json-duplicate-member", "an optional member occurs twice");
    optional.set(name, value);
  }
  const required = new Map([
    ["input", encodeInput(request.state, request.layout ?? "final")],
    ["output", encodeOutput()],
  ]);
  return writeJson(
    new Map<string, JsonValue>([
      ["version", formatVersion],
      ["required", required],
      ["optional", optional],
    ]),
  );
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/**
 * The optional members that the reference client sends: a member of random name, which keeps servers from refusing
 * what they do not know; the time in Unix seconds; the file's base name, null where it is not Unicode.
 */
export function clientMembers(input: {
  readonly fileName: string | null;
  readonly now: Date;
  readonly random: (count: number) => Uint8Array;
}): [string, JsonValue][] {
  const grease = Array.from(input.random(7), (byte) => alphabet[byte % alphabet.length]).join("");
  return [
    [grease, "https://gitlab.archlinux.org/archlinux/signstar/-/merge_requests/43"],
    ["request-time", Math.floor(input.now.getTime() / 1000)],
    ["file-name", input.fileName?.isWellFormed() ? input.fileName : null],
  ];
}
