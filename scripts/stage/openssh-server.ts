/** OpenSSH's sshd on a free port: one `sshd -i` for each connection, which gets the socket itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";

export interface SshServer {
  readonly port: number;
  close(): void;
}

export async function serveOpenSsh({
  sshd,
  config,
  log,
}: {
  sshd: string;
  config: string;
  log: string;
}): Promise<SshServer> {
  const sessions = new Set<ChildProcess>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const session = spawn(sshd, ["-i", "-f", config, "-E", log], { stdio: [socket, socket, "ignore"] });
    sessions.add(session);
    session.once("exit", () => sessions.delete(session));
    session.once("error", (error) => console.error(`sshd: ${error.message}`));
    // The session has its own descriptor now; ours would keep the connection open after its end.
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const session of sessions) session.kill();
    },
  };
}
