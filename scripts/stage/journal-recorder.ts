/** Stands where systemd-journald's stream socket is, on machines without it, and keeps what arrives in a file. */
import { appendFileSync, chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";

export async function recordJournal(socketPath: string, file: string): Promise<Server> {
  mkdirSync(dirname(socketPath), { recursive: true });
  rmSync(socketPath, { force: true });
  const server = createServer((connection) => {
    connection.on("error", () => connection.destroy());
    connection.on("data", (bytes) => appendFileSync(file, bytes));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  chmodSync(socketPath, 0o666);
  return server;
}
