/** What `send` does. */
import { homedir } from "node:os";
import type { Invocation, Options } from "@signstar/command/spec";
import { signatureIn } from "./answer.ts";
import { parseHost, parsePort, parseUser } from "./destination.ts";
import { ClientError } from "./errors.ts";
import { exchangeOver } from "./exchange-over.ts";
import { hashShown } from "./hash-shown.ts";
import type { OpenLink } from "./link.ts";
import { fileOf, loginMs, stateLayout, timeoutMs } from "./options.ts";
import { requestFor } from "./prepare.ts";

export async function send({ options, args, io }: Invocation): Promise<void> {
  const file = fileOf(args);
  const host = parseHost(required(options, "host"));
  const open = await linkTo(host, options, (line) => io.note(`${host}: ${line}`));
  const hashed = await hashShown(file, io);
  const answer = await exchangeOver(open, host, timeoutMs(options))(requestFor(hashed, file, stateLayout(options)));
  await signatureIn(answer, hashed, undefined);
  io.write(answer);
}

async function linkTo(host: string, options: Options, onRemoteLine: (line: string) => void): Promise<OpenLink> {
  const port = parsePort(options.text("port") ?? "");
  const user = parseUser(required(options, "user"));
  const agentSocket = options.text("agent-socket") || undefined;
  const publicKey = options.text("user-public-key");
  const knownHosts = options.text("known-hosts");
  const isOwnChoice = [publicKey, knownHosts].every((given) => given === undefined) && agentSocket === usualAgent();
  if (isOwnChoice) {
    const { throughMaster } = await import("./control-master.ts");
    const open = await throughMaster({ user, host }, port);
    if (open !== undefined) return open;
  }
  const { connectBuiltin } = await import("./connect-builtin.ts");
  const home = homedir();
  const login = { user, home, identity: undefined, publicKey, agentSocket };
  return connectBuiltin({ ...login, host, port, knownHosts, timeoutMs: loginMs(options), onRemoteLine });
}

function usualAgent(): string | undefined {
  return process.env["SSH_AUTH_SOCK"] || undefined;
}

function required(options: Options, name: string): string {
  const value = options.text(name);
  if (value === undefined) throw new ClientError("usage", `--${name} is missing`);
  return value;
}
