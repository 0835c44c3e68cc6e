/**
 * One request to one device: queue, connect, TLS, write, head, body, each with its own deadline and error code.
 * Nothing here knows what a request means.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { toBase64 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import { DeviceAgent, Trouble } from "./agent.ts";
import type { Body } from "./body.ts";
import { Alarm, type Budget, type Deadlines, Turnstile } from "./deadlines.ts";
import { invalidArgument } from "./errors.ts";
import type { UserId } from "./ids.ts";
import { Incoming } from "./incoming.ts";
import type { Connection } from "./tls.ts";

/** A user of the device; the passphrase stays the caller's, who may wipe it when no more requests are made. */
export interface Credentials {
  readonly user: UserId;
  readonly passphrase: Secret;
}

export interface Call {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below the device's URL, with query: `/keys?filter=1`. */
  readonly path: string;
  readonly credentials?: Credentials | undefined;
  readonly body?: Body | undefined;
  /** The device may work on it for minutes. */
  readonly slow?: boolean | undefined;
  /** Doing it twice is as good as once, so it is sent again if a kept-alive connection turns out to be dead. */
  readonly repeatable?: boolean | undefined;
  readonly budget?: Budget | undefined;
}

export interface TransportSettings {
  readonly deadlines: Deadlines;
  readonly keepAlive: boolean;
  /** Requests at a time; more wait their turn. */
  readonly maxSockets: number;
}

/** For requests that may wait for their turn as long as it takes. */
const never = new AbortController().signal;

export class Transport {
  /** Where requests go, taken apart once: parsing a URL and watching a signal cost as much as a signature. */
  readonly #place: { readonly hostname: string; readonly port: string; readonly path: string };
  readonly #deadlines: Deadlines;
  readonly #agent: DeviceAgent;
  readonly #turnstile: Turnstile;
  #closed = false;

  constructor(connection: Connection, settings: TransportSettings) {
    const { connectMs, tlsMs } = settings.deadlines;
    const { hostname, port, pathname } = new URL(connection.url);
    const path = pathname.replace(/\/$/, "");
    this.#place = { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? "443" : port, path };
    this.#deadlines = settings.deadlines;
    this.#agent = new DeviceAgent({ tls: connection.tls, connectMs, tlsMs, keepAlive: settings.keepAlive });
    this.#turnstile = new Turnstile(settings.maxSockets);
  }

  /** Resolves with the head of the answer, whatever its status. Throws Trouble, or what the body's source throws. */
  async open(call: Call): Promise<Incoming> {
    if (this.#closed) throw new TypeError("this NetHSM client is closed");
    const start = call.budget === undefined ? undefined : new AbortController();
    const alarm = new Alarm();
    if (call.budget !== undefined) {
      const { left, ms } = call.budget;
      // A timer may ring a millisecond early; of the budget then a little would seem to be left.
      alarm.set(Math.ceil(left) + 1, () =>
        start?.abort(new Trouble("start-timeout", `could not be sent within ${ms} ms`)),
      );
    }
    let leave: (() => void) | undefined;
    try {
      leave = await this.#turnstile.enter(start?.signal ?? never);
      const { request, response } = await this.#send(call, alarm, start?.signal);
      return new Incoming(request, response, this.#deadlines.bodyMs, leave);
    } catch (error) {
      leave?.();
      throw error;
    } finally {
      alarm.clear();
    }
  }

  /** Ends every connection; requests under way fail. */
  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  async #send(call: Call, alarm: Alarm, start: AbortSignal | undefined): Promise<Exchange> {
    for (;;) {
      try {
        return await this.#sendOnce(call, alarm, start);
      } catch (error) {
        // Each round uses up one idle connection; on a fresh one nothing is stale.
        if (!(error instanceof StaleConnection)) throw error;
        if (call.repeatable !== true) throw error.trouble;
      }
    }
  }

  #sendOnce(call: Call, alarm: Alarm, start: AbortSignal | undefined): Promise<Exchange> {
    const { headersMs, slowHeadersMs } = this.#deadlines;
    const patienceMs = call.slow === true ? slowHeadersMs : headersMs;
    return new Promise((resolve, reject) => {
      const { hostname, port, path } = this.#place;
      const request = httpsRequest({
        hostname,
        port,
        path: `${path}${call.path}`,
        agent: this.#agent,
        method: call.method,
        headers: { accept: "*/*", ...(call.body === undefined ? {} : { "content-type": call.body.type }) },
      });
      const fail = (error: unknown) => {
        reject(error);
        request.destroy();
      };
      // A request that is given up says so only when its connection is ready or has failed: that may be seconds later.
      start?.addEventListener("abort", () => fail(start.reason), { once: true });
      // Stays attached: an answer that is broken off late, or garbage behind it, must not end the process.
      request.on("error", (error) => reject(wayOf(error, request)));
      // Neither an answer nor an error: the device wants to speak another protocol (status 101).
      let answered = false;
      request.once("close", () => {
        if (!answered) reject(new Trouble("bad-answer", "connection was closed without an answer"));
      });
      request.once("socket", () => {
        alarm.set(patienceMs, () => fail(new Trouble("headers-timeout", `no answer within ${patienceMs} ms`)));
        write(request, call, alarm).catch(fail);
      });
      request.once("response", (response) => {
        alarm.clear();
        answered = true;
        resolve({ request, response });
      });
    });
  }
}

interface Exchange {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}

/** The device had closed a kept-alive connection before it saw the request. */
class StaleConnection extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble.message);
    this.trouble = trouble;
  }
}

/** The connection is open and its certificate is the right one: only now the credentials are put into words. */
async function write(request: ClientRequest, call: Call, alarm: Alarm): Promise<void> {
  if (call.credentials !== undefined) request.setHeader("authorization", basic(call.credentials));
  if (call.body === undefined) {
    request.end();
    return;
  }
  if ("bytes" in call.body) {
    const bytes = call.body.bytes();
    request.once("close", () => bytes.fill(0));
    request.setHeader("content-length", bytes.length);
    request.end(bytes);
    return;
  }
  const length = call.body.length();
  if (length !== undefined) request.setHeader("content-length", length);
  let sent = 0;
  for await (const chunk of call.body.chunks()) {
    sent += chunk.length;
    if (length !== undefined && sent > length) break;
    alarm.rewind();
    if (!request.write(chunk)) await drained(request);
    // Answered early or broken off: leaving the loop closes the source.
    if (request.destroyed) return;
  }
  if (length !== undefined && sent !== length) {
    throw invalidArgument("the file's size is not the one that was announced", "was it changed meanwhile?");
  }
  request.end();
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      request.off("drain", done).off("close", done);
      resolve();
    };
    request.on("drain", done).on("close", done);
  });
}

/** RFC 7617. The device takes the first colon as the separator; ids have none. */
function basic({ user, passphrase }: Credentials): string {
  return passphrase.use((bytes) => {
    const pair = Buffer.concat([Buffer.from(`${user}:`), bytes]);
    const header = `Basic ${toBase64(pair)}`;
    pair.fill(0);
    return header;
  });
}

function wayOf(error: Error, request: ClientRequest): Error {
  if (error instanceof Trouble) return error;
  const code = "code" in error ? String(error.code) : "";
  if (code.startsWith("HPE_"))
    return new Trouble("bad-answer", `answer is not HTTP: ${error.message}`, { cause: error });
  const trouble = new Trouble("connection-lost", `connection was lost before the answer: ${error.message}`, {
    cause: error,
    hint: "whether the device has done it is unknown: look before you repeat it",
  });
  return request.reusedSocket && (code === "ECONNRESET" || code === "EPIPE") ? new StaleConnection(trouble) : trouble;
}
