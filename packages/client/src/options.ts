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

/** Which server, and over which connection: what `connectTo` reads. */
export const connectionOptions: readonly Option[] = [
  {
    name: "port",
    short: "p",
    value: "PORT",
    description: "port of the server (default: 22, or what ssh_config says)",
  },
  { name: "identity", short: "i", value: "FILE", description: "private key to log in with" },
  { name: "known-hosts", value: "FILE", description: "host keys to trust, instead of the usual files" },
  { name: "ssh", value: "COMMAND", description: "the ssh to use and its options, separated by blanks" },
  { name: "builtin-ssh", description: "use the built-in connection" },
];

export const timeoutOption: Option = {
  name: "timeout",
  value: "SECONDS",
  description: "how long to wait for each answer, the login included",
  default: String(defaultTimeoutSeconds),
};

export const connectTimeoutOption: Option = {
  name: "connect-timeout",
  value: "SECONDS",
  description: "how long to wait for the connection and the login (default: as --timeout)",
};

/** Milliseconds. Throws ClientError `usage`. */
export function timeoutMs(options: Options): number {
  return milliseconds("timeout", options.text("timeout") ?? "");
}

/** The same for connection and login over the built-in connection. */
export function loginMs(options: Options): number {
  const text = options.text("connect-timeout");
  return text === undefined ? timeoutMs(options) : milliseconds("connect-timeout", text);
}

function milliseconds(name: string, text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) {
    throw new ClientError("usage", `--${name} is not a whole number of seconds from 1 to 999999`);
  }
  return Number(text) * 1000;
}

/** The FILE that was given, else the one in the environment. Throws ClientError `usage`. */
export function fileOf(args: readonly string[]): string {
  const file = args[0] ?? process.env["SIGNSTAR_REQUEST_FILE"] ?? "";
  if (file === "") throw new ClientError("usage", "FILE is missing", { hint: "name it, or set SIGNSTAR_REQUEST_FILE" });
  return file;
}
