/** Options that several of the commands have. */
import type { Argument, Option, Options } from "@signstar/command/spec";
import type { StateLayout } from "@signstar/hash-state/sha512-state";
import { ClientError } from "./errors.ts";
import { defaultTimeoutSeconds } from "./exchange.ts";

export const fileArgument: Argument = {
  name: "FILE",
  description: "what to sign; - is standard input (environment: SIGNSTAR_REQUEST_FILE)",
  optional: true,
};

export const stateLayoutOption: Option = {
  name: "state-layout",
  value: "LAYOUT",
  description: "how the hash state is written; legacy for servers that want 210 bytes",
  choices: ["final", "legacy"],
  default: "final",
};

export function stateLayout(options: Options): StateLayout {
  return options.text("state-layout") === "legacy" ? "legacy" : "final";
}

export const timeoutOption: Option = {
  name: "timeout",
  value: "SECONDS",
  description: "how long to wait for each answer, the login included",
  default: String(defaultTimeoutSeconds),
};

/** Milliseconds. Throws ClientError `usage`. */
export function timeoutMs(options: Options): number {
  const text = options.text("timeout") ?? "";
  if (!/^[1-9][0-9]{0,5}$/.test(text)) {
    throw new ClientError("usage", "--timeout is not a whole number of seconds from 1 to 999999");
  }
  return Number(text) * 1000;
}

/** The FILE that was given, else the one in the environment. Throws ClientError `usage`. */
export function fileOf(args: readonly string[]): string {
  const file = args[0] ?? process.env["SIGNSTAR_REQUEST_FILE"] ?? "";
  if (file === "") throw new ClientError("usage", "FILE is missing", { hint: "name it, or set SIGNSTAR_REQUEST_FILE" });
  return file;
}
