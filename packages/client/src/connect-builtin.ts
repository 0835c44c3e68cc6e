import { type BuiltinSshOptions, builtinSsh } from "./builtin-ssh.ts";
import type { OpenLink } from "./link.ts";
import { type LoginOptions, loginMethods } from "./login-keys.ts";
import { loadKnownHosts } from "./server-key.ts";

export interface ConnectOptions extends LoginOptions, Omit<BuiltinSshOptions, "methods" | "knownHosts"> {
  /** The file to read host keys from, instead of the usual ones. */
  readonly knownHosts: string | undefined;
}

/** The built-in connection from options and files. Throws ClientError. */
export function connectBuiltin(options: ConnectOptions): OpenLink {
  const methods = loginMethods(options);
  return builtinSsh({ ...options, methods, knownHosts: loadKnownHosts(options.knownHosts, options.home) });
}
