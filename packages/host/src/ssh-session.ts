import { sha256 } from "@signstar/hash-state/sha256";
import { fromBase64, toBase64, toHex } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { effectiveUid } from "./caller.ts";
import { HostError } from "./errors.ts";
import { readSafeFile } from "./safe-file.ts";

/** The public key that a client has logged in with. */
export interface ClientKey {
  /** `ssh-ed25519` and its like. */
  readonly type: string;
  /** As OpenSSH writes it: `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
  /** The same 32 bytes in lower-case hex, fit for a file name. */
  readonly hex: string;
}

export interface SshSession {
  /** Undefined if sshd tells nothing (no ExposeAuthInfo) or another method was used. */
  readonly clientKey: ClientKey | undefined;
  /** Address and port of the other end; undefined outside of a session. */
  readonly peer: { readonly address: string; readonly port: number } | undefined;
}

/**
 * What sshd says about the session: SSH_USER_AUTH (sshd_config(5), ExposeAuthInfo) and SSH_CONNECTION (ssh(1)); no
 * other variable is read. Throws HostError (session-unreadable).
 */
export function sshSession(env: NodeJS.ProcessEnv = process.env): SshSession {
  const { SSH_USER_AUTH: authFile, SSH_CONNECTION: connection } = env;
  return {
    clientKey: authFile === undefined ? undefined : parseUserAuth(readAuthFile(authFile)),
    peer: connection === undefined ? undefined : parseConnection(connection),
  };
}

/** The first public key in the text of SSH_USER_AUTH's file. Throws HostError. */
export function parseUserAuth(text: string): ClientKey | undefined {
  const line = text.split("\n").find((candidate) => candidate.startsWith("publickey "));
  if (line === undefined) return undefined;
  const [, type = "", base64 = "", ...more] = line.split(" ");
  if (!/^[a-z0-9@.-]{1,64}$/.test(type) || base64 === "" || more.length > 0) throw unreadable("names no public key");
  let blob: Uint8Array;
  try {
    blob = fromBase64(base64);
  } catch (cause) {
    throw unreadable("has a public key that is not base64", cause);
  }
  const digest = sha256(blob);
  return { type, fingerprint: `SHA256:${toBase64(digest).replace(/=+$/, "")}`, hex: toHex(digest) };
}

/** `CLIENT PORT SERVER PORT`; where sshd does not talk over IP the addresses are UNKNOWN. Throws HostError. */
export function parseConnection(text: string): { readonly address: string; readonly port: number } {
  const [address = "", port = "", ...server] = text.split(" ");
  if (!/^[0-9A-Za-z.:%_-]{1,64}$/.test(address) || !/^[0-9]{1,5}$/.test(port) || server.length !== 2) {
    throw new HostError("session-unreadable", "SSH_CONNECTION is not what sshd sets");
  }
  return { address, port: Number(port) };
}

function readAuthFile(path: string): string {
  try {
    const bytes = readSafeFile(path, { maxBytes: 64 * 1024, owners: [effectiveUid(), 0], mode: "readable" });
    return Buffer.from(bytes).toString("latin1");
  } catch (cause) {
    throw unreadable(`cannot be used: ${messageOf(cause)}`, cause);
  }
}

function unreadable(problem: string, cause?: unknown): HostError {
  return new HostError("session-unreadable", `the file of SSH_USER_AUTH ${problem}`, { cause });
}
