import { homedir } from "node:os";
import type { Command, Invocation, Options } from "@signstar/command/spec";
import { signatureIn } from "./answer.ts";
import { parseHost, parsePort, parseUser } from "./destination.ts";
import { ClientError } from "./errors.ts";
import { exchangeOver } from "./exchange-over.ts";
import { hashShown } from "./hash-shown.ts";
import { fileArgument, fileOf, stateLayout, timeoutMs, timeoutOption } from "./options.ts";
import { requestFor } from "./prepare.ts";

export const sendCommand: Command = {
  name: "send",
  summary: "get a signing response from a server and print it",
  description: [
    "Uses the built-in connection. The response is checked as sign does and printed as the server sent it. Without",
    "--user-public-key any key of the agent is offered, then the usual key files.",
  ].join("\n"),
  options: [
    { name: "host", value: "HOST", description: "the signing server" },
    { name: "port", value: "PORT", description: "its port", default: "22" },
    { name: "user", value: "USER", description: "the user to log in as" },
    { name: "agent-socket", value: "PATH", description: "socket of the ssh-agent", env: "SSH_AUTH_SOCK" },
    { name: "user-public-key", value: "KEY", description: "the agent's key to use, as 'TYPE BASE64 [comment]'" },
    { name: "known-hosts", value: "FILE", description: "host keys to trust, instead of the usual files" },
    timeoutOption,
  ],
  arguments: [fileArgument],
  run: send,
};

async function send({ options, args, io }: Invocation): Promise<void> {
  const file = fileOf(args);
  const { connectBuiltin } = await import("./connect-builtin.ts");
  const host = parseHost(required(options, "host"));
  const open = connectBuiltin({
    host,
    port: parsePort(options.text("port") ?? ""),
    user: parseUser(required(options, "user")),
    home: homedir(),
    identity: undefined,
    publicKey: options.text("user-public-key"),
    agentSocket: options.text("agent-socket") || undefined,
    knownHosts: options.text("known-hosts"),
    timeoutMs: timeoutMs(options),
    onRemoteLine: (line) => io.note(`${host}: ${line}`),
  });
  const hashed = await hashShown(file, io);
  const answer = await exchangeOver(open, host, timeoutMs(options))(requestFor(hashed, file, stateLayout(options)));
  await signatureIn(answer, hashed, undefined);
  io.write(answer);
}

function required(options: Options, name: string): string {
  const value = options.text(name);
  if (value === undefined) throw new ClientError("usage", `--${name} is missing`);
  return value;
}
