import { createServer, type Socket } from "node:net";
import { expect } from "vitest";
import type { NetHsmError } from "./errors.ts";
import { type Connection, parseDeviceUrl } from "./tls.ts";

/** A listener that is no TLS server. */
export async function startPlain(
  onSocket: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `https://127.0.0.1:${port}/api/v1`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function unsafe(url: string): Connection {
  return { url: parseDeviceUrl(url), tls: { mode: "unsafe" } };
}

/** What `work` fails with. */
export async function failure(work: Promise<unknown>): Promise<NetHsmError> {
  return work.then(
    () => expect.unreachable("it did not fail"),
    (error: unknown) => error as NetHsmError,
  );
}
