/** A device to talk to in tests: an HTTPS server in this process whose answers the test writes. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type Connection, parseDeviceUrl, pinOf } from "./tls.ts";

export interface Identity {
  readonly key: string;
  readonly cert: string;
  readonly pin: string;
}

export function makeIdentity(): Identity {
  const dir = mkdtempSync(join(tmpdir(), "nethsm-test-"));
  try {
    const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
        ...["-subj", "/CN=device", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
      ],
      { stdio: "pipe" },
    );
    const pem = readFileSync(cert, "utf8");
    return { key: readFileSync(key, "utf8"), cert: pem, pin: pinOf(new X509Certificate(pem).raw) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** Number of the TCP connection it came over, from 1. */
  readonly connection: number;
  /** Milliseconds since the server began to listen. */
  readonly at: number;
}

export interface Device extends AsyncDisposable {
  readonly server: Server;
  readonly url: string;
  readonly pinned: Connection;
  /** Whole requests, in order. */
  readonly seen: Seen[];
  readonly connections: () => number;
}

export interface Answering {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export const json = (value: unknown, status = 200): Answering => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});

/** What a handler returns is the answer; with undefined it has seen to the response itself. */
export type Handler = (
  request: Seen,
  response: ServerResponse,
) => Answering | undefined | Promise<Answering | undefined>;

export async function startDevice(identity: Identity, handler: Handler): Promise<Device> {
  const seen: Seen[] = [];
  const numbers = new WeakMap<Duplex, number>();
  let connections = 0;
  const began = performance.now();
  const server = createServer({ key: identity.key, cert: identity.cert }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const entry = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks),
      connection: numbers.get(request.socket) ?? 0,
      at: performance.now() - began,
    };
    seen.push(entry);
    const answer = await handler(entry, response);
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, answer.headers);
    response.end(answer.body);
  });
  const sockets = new Set<Duplex>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  server.on("secureConnection", (socket) => {
    connections += 1;
    numbers.set(socket, connections);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  return {
    server,
    url,
    pinned: { url: parseDeviceUrl(url), tls: { mode: "pinned", sha256: [identity.pin] } },
    seen,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
