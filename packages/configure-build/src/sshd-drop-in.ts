/** What a user's SSH login is and, above all, is not. */
import type { SystemUserId } from "@signstar/config/system-user";
import type { PlainPath, PlainWord } from "./words.ts";

/**
 * Variables that a careless AcceptEnv would let a client set, each of which changes what runs or what is told: the
 * loader's, the shell's, and Node's, whose debugging prints addresses, paths and key ids onto the client's screen.
 */
const emptied = [
  ...["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "ENV", "BASH_ENV"],
  ...["NODE_DEBUG", "NODE_DEBUG_NATIVE", "NODE_V8_COVERAGE", "NODE_REDIRECT_WARNINGS", "NODE_COMPILE_CACHE"],
];

export interface SshdFeatures {
  /** ChannelTimeout and UnusedConnectionTimeout: OpenSSH 9.2 and later. */
  readonly timeouts: boolean;
}

export function authorizedKeysPath(user: SystemUserId): string {
  return `/etc/ssh/signstar-user-${user}.authorized_keys`;
}

/** Whether a file of ours is one of these. */
export function isAuthorizedKeysPath(path: string): boolean {
  return path.endsWith(".authorized_keys");
}

export function dropInPath(user: SystemUserId): string {
  return `/etc/ssh/sshd_config.d/10-signstar-user-${user}.conf`;
}

/**
 * With ForceCommand alone a client could still open tunnels into the network of the HSM. `DisableForwarding` says it in
 * one word, but before OpenSSH 10.0 it forgot agents and X11, so each is named. The variables are emptied because sshd
 * starts the login shell with what a permissive AcceptEnv elsewhere lets in. sshd_config(5).
 */
export function matchBlock(
  user: SystemUserId,
  forceCommand: readonly [PlainPath, ...PlainWord[]],
  features: SshdFeatures,
): string {
  const settings = [
    `AuthorizedKeysFile ${authorizedKeysPath(user)}`,
    "AuthenticationMethods publickey",
    `ForceCommand ${forceCommand.join(" ")}`,
    "DisableForwarding yes",
    "AllowTcpForwarding no",
    "AllowStreamLocalForwarding no",
    "AllowAgentForwarding no",
    "X11Forwarding no",
    "PermitTunnel no",
    "GatewayPorts no",
    "PermitTTY no",
    "PermitUserRC no",
    "ExposeAuthInfo yes",
    `SetEnv ${emptied.map((name) => `${name}=`).join(" ")}`,
    ...(features.timeouts ? ["ChannelTimeout session:*=5m", "UnusedConnectionTimeout 30s"] : []),
  ];
  return `Match User ${user}\n${settings.map((setting) => `    ${setting}\n`).join("")}`;
}
