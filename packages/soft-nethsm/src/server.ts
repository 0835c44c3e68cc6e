/** The device on the network: HTTPS with keep-alive, a certificate that can change while it runs. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { concat } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import type { Device } from "./device.ts";
import { SoftNethsmError } from "./errors.ts";
import { dropped, type Fault, withFaults } from "./fault.ts";
import { handle } from "./handler.ts";
import { type Answer, Refusal, type Request } from "./http.ts";
import type { Log } from "./log.ts";
import { basePath } from "./router.ts";
import { serverOptions } from "./tls-files.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly faults?: readonly Fault[];
  readonly log: Log;
}

export interface Listener {
  /** `https://HOST:PORT/api/v1` */
  readonly url: string;
  /** Stops accepting, lets running requests finish, closes idle connections. */
  close(): Promise<void>;
}

/** Room for targets that are too long for the handler: they get its answer. */
const maxHeaderSize = 65_536;
/** Requests must come in within this time, whatever their size. */
const requestTimeoutMs = 600_000;
/** Bodies up to this many bytes are sent together with the head. */
const inOnePiece = 4096;
/** How long the end waits for requests that are under way. */
const drainMs = 10_000;

/** Throws SoftNethsmError `listen`. */
export async function listen(device: Device, options: ListenOptions): Promise<Listener> {
  const server = createServer({
    ...serverOptions(device.tls),
    keepAlive: true,
    requestTimeout: requestTimeoutMs,
    maxHeaderSize,
  });
  server.keepAliveTimeout = 60_000;
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    serve({ device, options, server }, request, response).catch((error: unknown) => {
      options.log.error({ error: messageOf(error) }, "request failed");
      response.destroy();
    });
  });
  server.on("clientError", refuseUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const at = `${options.host}:${options.port}`;
      reject(new SoftNethsmError("listen", `cannot listen on ${at}: ${messageOf(cause)}`, { cause }));
    });
    server.listen(options.port, options.host, resolve);
  });
  device.events = { ...device.events, tlsChanged: () => server.setSecureContext(serverOptions(device.tls)) };
  return { url: urlOf(server), close: () => close(server) };
}

/** What is no HTTP, or not within the limits, is answered with its status alone; the connection ends. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = unreadable.get(error.code ?? "") ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

const unreadable = new Map([
  ["HPE_INVALID_METHOD", "501 Not Implemented"],
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

function close(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

interface Service {
  readonly device: Device;
  readonly options: ListenOptions;
  readonly server: Server;
}

async function serve({ device, options, server }: Service, incoming: IncomingMessage, response: ServerResponse) {
  const started = performance.now();
  const request = requestOf(incoming);
  const answer = await withFaults(options.faults ?? [], request, () => safely(device, options.log, request));
  if (answer === dropped) {
    incoming.socket.destroy();
    return;
  }
  const ms = performance.now() - started;
  device.metrics.answered(answer.status, ms);
  options.log.info(
    { method: request.method, path: request.target, status: answer.status, ms: Math.round(ms * 10) / 10 },
    "request",
  );
  // A connection that is busy when the end comes is not idle: it is told to close with its answer.
  response.shouldKeepAlive &&= server.listening;
  send(incoming, response, answer);
}

/** A bug must not end the device: it answers 503, as the hardware does, and says no more than that. */
async function safely(device: Device, log: Log, request: Request): Promise<Answer> {
  try {
    return await handle(device, request);
  } catch (error) {
    device.metrics.count("log errors");
    log.error({ error: messageOf(error), path: request.target }, "internal error");
    return { status: 503, headers: { "content-type": "text/plain" }, body: Buffer.from("internal error") };
  }
}

function requestOf(incoming: IncomingMessage): Request {
  const announced = incoming.headers["content-length"];
  return {
    method: incoming.method ?? "",
    target: incoming.url ?? "",
    headers: incoming.headers,
    peer: incoming.socket.remoteAddress ?? "",
    contentLength: announced === undefined ? undefined : Number(announced),
    body: (limit) => readBody(incoming, limit),
  };
}

/** By events: iterating costs more than all the rest of a small request. */
function readBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    incoming.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
        return;
      }
      // What comes after that is thrown away, and what has come already must not wait for its end.
      chunks.length = 0;
      reject(new Refusal(413));
    });
    incoming.once("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : concat(...chunks)));
    incoming.once("close", () => reject(new Refusal(400)));
    incoming.once("error", () => reject(new Refusal(400)));
  });
}

function send(incoming: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const bodyless = answer.status === 204 || answer.status === 304;
  const length = bodyless ? {} : { "content-length": String(answer.body.length) };
  response.writeHead(answer.status, { ...answer.headers, ...length });
  // Node sends head and body in one piece if the body is text.
  if (bodyless) response.end();
  else if (answer.body.length <= inOnePiece) response.end(Buffer.from(answer.body).toString("latin1"), "latin1");
  else response.end(answer.body);
  // A body that was refused is read and thrown away: closing instead could cost the client its answer.
  incoming.resume();
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `https://${family === "IPv6" ? `[${address}]` : address}:${port}${basePath}`;
}
