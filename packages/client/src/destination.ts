import { ClientError } from "./errors.ts";

/** Where the signing server is. `user` is undefined when ssh (or the login name) decides it. */
export interface Destination {
  readonly user: string | undefined;
  readonly host: string;
}

/**
 * `[USER@]HOST`. Refuses what a shell in somebody's ProxyCommand or ssh's own argument parser could take for
 * something else, as OpenSSH does since 9.6. Throws ClientError `usage`.
 */
export function parseDestination(text: string): Destination {
  const at = text.lastIndexOf("@");
  const user = at === -1 ? undefined : text.slice(0, at);
  const host = text.slice(at + 1);
  return { user: user === undefined ? undefined : parseUser(user), host: parseHost(host) };
}

/** A host name, an address, or an alias from ssh_config. Throws ClientError `usage`. */
export function parseHost(text: string): string {
  if (!harmless.test(text)) throw new ClientError("usage", "the host name is empty or has characters that ssh refuses");
  return text;
}

/** A login name. Throws ClientError `usage`. */
export function parseUser(text: string): string {
  if (!harmless.test(text)) throw new ClientError("usage", "the user name is empty or has characters that ssh refuses");
  return text;
}

/** 1 to 65535, in decimal. Throws ClientError `usage`. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[1-9][0-9]{0,4}$/.test(text) || port > 65_535) {
    throw new ClientError("usage", "the port is not a number from 1 to 65535");
  }
  return port;
}

/** An IPv6 address may stand in brackets, as in URLs; sockets and known_hosts want it bare. */
export function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

const harmless = /^(?!-)[^\s\p{C}'"`$\\;&<>|(){}]+$/u;
