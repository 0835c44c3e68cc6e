/** Which keys the built-in connection logs in with. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { equal } from "@signstar/primitives/bytes";
import ssh2, { type AgentAuthMethod, type IdentityCallback, type ParsedKey, type PublicKeyAuthMethod } from "ssh2";
import { ClientError } from "./errors.ts";
import { parseKey } from "./known-hosts.ts";
import { reason } from "./reason.ts";

export interface LoginOptions {
  readonly user: string;
  readonly home: string;
  /** Path of the agent's socket. */
  readonly agentSocket: string | undefined;
  /** `TYPE BASE64 [comment]`: only this key of the agent's. */
  readonly publicKey: string | undefined;
  /** A private key file, or a `.pub` file whose private half the agent has. */
  readonly identity: string | undefined;
}

export type LoginMethod = AgentAuthMethod | PublicKeyAuthMethod;

/**
 * The keys to offer, in order: the one that was named, else all of the agent's and then the usual files. Throws
 * ClientError `no-input` or `usage` for a named key that is unusable, `login-refused` if there is no key at all.
 */
export function loginMethods(options: LoginOptions): readonly LoginMethod[] {
  if (options.publicKey !== undefined) return [agentKey(options, publicKeyOf(options.publicKey))];
  if (options.identity !== undefined) return [identityMethod(options, options.identity)];
  const { user, agentSocket } = options;
  const methods: LoginMethod[] = [];
  if (agentSocket !== undefined) methods.push({ type: "agent", username: user, agent: agentSocket });
  for (const name of ["id_ed25519", "id_ecdsa", "id_rsa"]) {
    const path = join(options.home, ".ssh", name);
    const key = existsSync(path) ? ssh2.utils.parseKey(readFileSync(path)) : undefined;
    if (key !== undefined && !(key instanceof Error)) methods.push({ type: "publickey", username: user, key });
  }
  if (methods.length > 0) return methods;
  throw new ClientError("login-refused", "there is no key to log in with", {
    hint: "start an ssh-agent that has one, or name a key file with -i",
  });
}

function identityMethod(options: LoginOptions, path: string): LoginMethod {
  const bytes = read(path);
  const key = ssh2.utils.parseKey(bytes);
  if (key instanceof Error) {
    const hint = "load it into an ssh-agent, or use the system's ssh, which asks for the passphrase";
    if (!existsSync(`${path}.pub`) || options.agentSocket === undefined) {
      throw new ClientError("no-input", `the key ${path} cannot be used: ${key.message}`, { hint });
    }
    return agentKey(options, publicKeyOf(read(`${path}.pub`).toString("utf8")));
  }
  if (!key.isPrivateKey()) return agentKey(options, new Uint8Array(key.getPublicSSH()));
  return { type: "publickey", username: options.user, key };
}

function agentKey({ user, agentSocket }: LoginOptions, key: Uint8Array): AgentAuthMethod {
  if (agentSocket === undefined) {
    throw new ClientError("usage", "a public key is named, but no ssh-agent that has its private half", {
      hint: "set SSH_AUTH_SOCK or --agent-socket",
    });
  }
  return { type: "agent", username: user, agent: new OneKeyAgent(agentSocket, key) };
}

/** Offers one key of an agent's, so that the server is not shown the others. */
class OneKeyAgent extends ssh2.OpenSSHAgent {
  readonly #key: Uint8Array;

  constructor(socketPath: string, key: Uint8Array) {
    super(socketPath);
    this.#key = key;
  }

  override getIdentities(cb: IdentityCallback<ParsedKey>): void {
    super.getIdentities((error, keys) => {
      const ours = (keys ?? []).filter((key) => "getPublicSSH" in key && equal(key.getPublicSSH(), this.#key));
      if (error) cb(error);
      else if (ours.length === 0) cb(new Error("the ssh-agent does not have this key"));
      else cb(undefined, ours);
    });
  }
}

function publicKeyOf(text: string): Uint8Array {
  const [type = "", base64 = ""] = text.trim().split(/[ \t]+/);
  const key = parseKey(type, base64);
  if (key !== undefined) return key;
  throw new ClientError("usage", "the public key is not of the form TYPE BASE64 [comment]", {
    hint: "it is the line in a .pub file, in quotes",
  });
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ClientError("no-input", `the key ${path} cannot be read: ${reason(cause)}`, { cause });
  }
}
