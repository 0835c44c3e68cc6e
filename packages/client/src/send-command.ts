import type { Command } from "@signstar/command/spec";
import { connectTimeoutOption, fileArgument, timeoutOption } from "./options.ts";

export const sendCommand: Command = {
  name: "send",
  summary: "get a signing response from a server and print it",
  description: [
    "Uses the built-in connection, or an OpenSSH connection that is open already (ControlMaster in ssh_config), unless",
    "an agent, a key or a file of known hosts is named. The response is checked as sign does and printed as the server",
    "sent it. Without --user-public-key any key of the agent is offered, then the usual key files.",
  ].join("\n"),
  options: [
    { name: "host", value: "HOST", description: "the signing server" },
    { name: "port", value: "PORT", description: "its port", default: "22" },
    { name: "user", value: "USER", description: "the user to log in as" },
    { name: "agent-socket", value: "PATH", description: "socket of the ssh-agent", env: "SSH_AUTH_SOCK" },
    { name: "user-public-key", value: "KEY", description: "the agent's key to use, as 'TYPE BASE64 [comment]'" },
    { name: "known-hosts", value: "FILE", description: "host keys to trust, instead of the usual files" },
    connectTimeoutOption,
    timeoutOption,
  ],
  arguments: [fileArgument],
  async run(invocation) {
    const { send } = await import("./send.ts");
    await send(invocation);
  },
};
