/** From the options of a command to a connection. */
import { homedir, userInfo } from "node:os";
import type { Options } from "@signstar/command/spec";
import { type Destination, parsePort } from "./destination.ts";
import { ClientError } from "./errors.ts";
import type { OpenLink } from "./link.ts";
import { timeoutMs } from "./options.ts";

/**
 * Over the user's own ssh if there is one, else over the built-in connection; what the server's program says there goes
 * to `note`. Throws ClientError.
 */
export async function connectTo(
  destination: Destination,
  options: Options,
  note: (line: string) => void,
): Promise<OpenLink> {
  const [port, identity, knownHosts] = [options.text("port"), options.text("identity"), options.text("known-hosts")];
  const portNumber = port === undefined ? undefined : parsePort(port);
  const { isInstalled, parseSshCommand, systemSsh } = await import("./system-ssh.ts");
  const command = options.text("ssh");
  const builtin = options.flag("builtin-ssh");
  if (builtin && command !== undefined) {
    throw new ClientError("usage", "--ssh and --builtin-ssh exclude each other");
  }
  if (command !== undefined || (!builtin && isInstalled("ssh"))) {
    const words = parseSshCommand(command ?? "ssh");
    return systemSsh({ command: words, destination, port: portNumber, identity, knownHosts });
  }
  const { connectBuiltin } = await import("./connect-builtin.ts");
  return connectBuiltin({
    host: destination.host,
    port: portNumber ?? 22,
    user: destination.user ?? userInfo().username,
    home: homedir(),
    identity,
    publicKey: undefined,
    agentSocket: process.env["SSH_AUTH_SOCK"] || undefined,
    knownHosts,
    timeoutMs: timeoutMs(options),
    onRemoteLine: (line) => note(`${destination.host}: ${line}`),
  });
}
