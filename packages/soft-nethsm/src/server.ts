/** The device on the network: HTTPS with keep-alive, a certificate that can change while it runs. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { concat } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { toPem } from "./crypto/certificate.ts";
import type { Device, TlsIdentity } from "./device.ts";
import { SoftNethsmError } from "./errors.ts";
import { dropped, type Fault, withFaults } from "./fault.ts";
import { handle } from "./handler.ts";
import { type Answer, Refusal, type Request } from "./http.ts";
import type { Log } from "./log.ts";
import { basePath } from "./router.ts";

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

/** Requests must come in within this time, whatever their size. */
const requestTimeoutMs = 600_000;
/** How long the end waits for requests that are under way. */
const drainMs = 10_000;

/** Throws SoftNethsmError `listen`. */
export async function listen(device: Device, options: ListenOptions): Promise<Listener> {
  const server = createServer({ ...pemOf(device.tls), keepAlive: true, requestTimeout: requestTimeoutMs });
  server.keepAliveTimeout = 60_000;
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    serve({ device, options, server }, request, response).catch((error: unknown) => {
      options.log.error({ error: messageOf(error) }, "request failed");
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const at = `${options.host}:${options.port}`;
      reject(new SoftNethsmError("listen", `cannot listen on ${at}: ${messageOf(cause)}`, { cause }));
    });
    server.listen(options.port, options.host, resolve);
  });
  device.events = { ...device.events, tlsChanged: () => server.setSecureContext(pemOf(device.tls)) };
  return { url: urlOf(server), close: () => close(server) };
}

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

async function readBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const stream: AsyncIterable<Uint8Array> = incoming.iterator({ destroyOnReturn: false });
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) throw new Refusal(413);
    chunks.push(chunk);
  }
  return concat(...chunks);
}

function send(incoming: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const bodyless = answer.status === 204 || answer.status === 304;
  const length = bodyless ? {} : { "content-length": String(answer.body.length) };
  response.writeHead(answer.status, { ...answer.headers, ...length });
  response.end(bodyless ? undefined : answer.body);
  // A body that was refused is read and thrown away: closing instead could cost the client its answer.
  incoming.resume();
}

function pemOf(tls: TlsIdentity): { key: string; cert: string } {
  return { key: tls.privateKey, cert: tls.chain.map((certificate) => toPem("CERTIFICATE", certificate)).join("") };
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `https://${family === "IPv6" ? `[${address}]` : address}:${port}${basePath}`;
}
