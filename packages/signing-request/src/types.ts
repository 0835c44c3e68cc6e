/** What can be asked for: the closed tables of input and output types. A new type is a row here. */
import { HashStateError } from "@signstar/hash-state/errors";
import {
  encodeSha512State,
  parseSha512State,
  type Sha512State,
  type StateLayout,
} from "@signstar/hash-state/sha512-state";
import { quote, RequestError } from "./errors.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { closedObject, member, objectAt, textAt } from "./members.ts";

export interface Sha512StateInput {
  readonly type: "sha2-0.11-SHA512-state";
  readonly state: Sha512State;
  readonly layout: StateLayout;
}

export interface OpenPgpV4Output {
  readonly type: "OpenPGPv4";
}

export type RequestInput = Sha512StateInput;
export type RequestOutput = OpenPgpV4Output;

/** Each reads the whole object, its `type` included: what members there are depends on it. */
const inputTypes: { readonly [Type in RequestInput["type"]]: (input: JsonObject, path: string) => RequestInput } = {
  "sha2-0.11-SHA512-state": (input, path) => {
    const [, content] = closedObject(input, path, "type", "content");
    return { type: "sha2-0.11-SHA512-state", ...readState(bytesAt(content, `${path}.content`)) };
  },
};

const outputTypes: { readonly [Type in RequestOutput["type"]]: (output: JsonObject, path: string) => RequestOutput } = {
  OpenPGPv4: (output, path) => {
    closedObject(output, path, "type");
    return { type: "OpenPGPv4" };
  },
};

export function parseInput(value: JsonValue, path: string): RequestInput {
  const input = objectAt(value, path);
  const type = textAt(member(input, path, "type"), `${path}.type`);
  if (!isKeyOf(inputTypes, type)) {
    throw new RequestError("input-type-unknown", `${path}.type ${quote(type)} is unknown`, { hint: oneOf(inputTypes) });
  }
  return inputTypes[type](input, path);
}

export function parseOutput(value: JsonValue, path: string): RequestOutput {
  const output = objectAt(value, path);
  const type = textAt(member(output, path, "type"), `${path}.type`);
  if (!isKeyOf(outputTypes, type)) {
    throw new RequestError("output-type-unknown", `${path}.type ${quote(type)} is unknown`, {
      hint: oneOf(outputTypes),
    });
  }
  return outputTypes[type](output, path);
}

export function encodeInput(state: Sha512State, layout: StateLayout): JsonObject {
  return new Map<string, JsonValue>([
    ["type", "sha2-0.11-SHA512-state"],
    ["content", [...encodeSha512State(state, layout)]],
  ]);
}

export function encodeOutput(): JsonObject {
  return new Map([["type", "OpenPGPv4"]]);
}

function bytesAt(value: JsonValue, path: string): Uint8Array {
  if (!Array.isArray(value)) throw new RequestError("content-not-array", `${path} is not an array`);
  const bytes = new Uint8Array(value.length);
  value.forEach((byte: JsonValue, i) => {
    if (typeof byte !== "number" || byte < 0 || byte > 255) {
      throw new RequestError("content-not-bytes", `${path}[${i}] is not an integer from 0 to 255`);
    }
    bytes[i] = byte;
  });
  return bytes;
}

function readState(bytes: Uint8Array): { readonly state: Sha512State; readonly layout: StateLayout } {
  try {
    return parseSha512State(bytes);
  } catch (cause) {
    if (!(cause instanceof HashStateError) || cause.code === "file-read") throw cause;
    throw new RequestError(cause.code, cause.message, { cause, hint: cause.hint });
  }
}

function isKeyOf<Table extends object>(table: Table, key: string): key is Extract<keyof Table, string> {
  return Object.hasOwn(table, key);
}

function oneOf(table: object): string {
  return `it can be ${Object.keys(table).join(" or ")}`;
}
