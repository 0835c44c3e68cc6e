/**
 * One request to one device: queue, connect, TLS, write, head, body, each with its own deadline and error code.
 * Nothing here knows what a request means.
 */
import { concat, toBase64 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import type { Body } from "./body.ts";
import { Connections } from "./connections.ts";
import { Alarm, type Budget, type Deadlines, Patience, Turnstile } from "./deadlines.ts";
import { invalidArgument } from "./errors.ts";
import type { UserId } from "./ids.ts";
import { Incoming } from "./incoming.ts";
import type { Connection } from "./tls.ts";
import { Trouble } from "./trouble.ts";
import { type Exchange, StaleConnection } from "./wire.ts";

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

export class Transport {
  /** What of the URL every request begins with; taking a URL apart costs as much as a signature. */
  readonly #host: string;
  readonly #path: string;
  readonly #keepAlive: boolean;
  readonly #deadlines: Deadlines;
  readonly #connections: Connections;
  readonly #turnstile: Turnstile;
  #closed = false;

  constructor(connection: Connection, { deadlines, keepAlive, maxSockets }: TransportSettings) {
    const { connectMs, tlsMs } = deadlines;
    const { host, hostname, port, pathname } = new URL(connection.url);
    this.#host = host;
    this.#path = pathname.replace(/\/$/, "");
    this.#keepAlive = keepAlive;
    this.#deadlines = deadlines;
    const place = { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? 443 : Number(port) };
    this.#connections = new Connections({ ...place, tls: connection.tls, connectMs, tlsMs }, keepAlive);
    this.#turnstile = new Turnstile(maxSockets);
  }

  /** Begins to open a connection, over which nothing is asked yet; whether that went well the first request will tell. */
  prepare(): void {
    this.#connections.prepare();
  }

  /** Resolves with the head of the answer, whatever its status. Throws Trouble, or what the body's source throws. */
  async open(call: Call): Promise<Incoming> {
    if (this.#closed) throw new TypeError("this NetHSM client is closed");
    const patience = new Patience();
    const alarm = new Alarm();
    if (call.budget !== undefined) {
      const { left, ms } = call.budget;
      // A timer may ring a millisecond early; of the budget then a little would seem to be left.
      alarm.set(Math.ceil(left) + 1, () =>
        patience.lose(new Trouble("start-timeout", `could not be sent within ${ms} ms`)),
      );
    }
    let leave: (() => void) | undefined;
    try {
      leave = await this.#turnstile.enter(patience);
      return await this.#send(call, { alarm, patience, leave });
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
    this.#connections.destroy();
  }

  async #send(call: Call, turn: Turn): Promise<Incoming> {
    for (;;) {
      try {
        return await this.#sendOnce(call, turn);
      } catch (error) {
        // Each round uses up one idle connection; on a fresh one nothing is stale.
        if (!(error instanceof StaleConnection)) throw error;
        if (call.repeatable !== true || this.#closed) throw error.trouble;
      }
    }
  }

  async #sendOnce(call: Call, { alarm, patience, leave }: Turn): Promise<Incoming> {
    const { headersMs, slowHeadersMs, bodyMs } = this.#deadlines;
    // Some have waited for their turn until everything was ended.
    if (this.#closed) throw new Trouble("connection-lost", "client was closed before the request was sent");
    const wire = await this.#connections.take(patience);
    const exchange = wire.begin(call.method);
    const ms = call.slow === true ? slowHeadersMs : headersMs;
    alarm.set(ms, () => exchange.abandon(new Trouble("headers-timeout", `no answer within ${ms} ms`)));
    // An answer may come before the whole request has been sent; what goes wrong with that is then told by its body.
    this.#write(exchange, call, alarm).catch((error: unknown) => exchange.abandon(error));
    const giveBack = () => this.#connections.giveBack(wire, exchange);
    try {
      const head = await exchange.head;
      return new Incoming(head, exchange, {
        bodyMs,
        leave: () => {
          giveBack();
          leave();
        },
      });
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** The connection is open and its certificate is the right one: only now the credentials are put into words. */
  async #write(exchange: Exchange, call: Call, alarm: Alarm): Promise<void> {
    const { body } = call;
    if (body === undefined || "bytes" in body) {
      const bytes = body?.bytes() ?? new Uint8Array(0);
      // What has no body by its nature says nothing about its length (RFC 9110 §8.6).
      const says = body !== undefined || call.method === "POST" || call.method === "PUT";
      const request = concat(this.#head(call, says ? `content-length: ${bytes.length}\r\n` : ""), bytes);
      bytes.fill(0);
      exchange.sent = true;
      await exchange.write(request, () => request.fill(0));
      return;
    }
    const length = body.length();
    const chunked = length === undefined;
    const head = this.#head(call, chunked ? "transfer-encoding: chunked\r\n" : `content-length: ${length}\r\n`);
    await exchange.write(head, () => head.fill(0));
    let sent = 0;
    for await (const chunk of body.chunks()) {
      // Answered and done with, or broken off: leaving the loop closes the source.
      if (exchange.broken) return;
      sent += chunk.length;
      if (length !== undefined && sent > length) break;
      alarm.rewind();
      if (chunk.length > 0) await exchange.write(chunked ? framed(chunk) : chunk);
    }
    if (length !== undefined && sent !== length) {
      throw invalidArgument("the file's size is not the one that was announced", "was it changed meanwhile?");
    }
    if (chunked) await exchange.write(Buffer.from("0\r\n\r\n"));
    exchange.sent = true;
  }

  #head({ method, path, credentials, body }: Call, framing: string): Uint8Array {
    if (!/^[\x21-\x7e]+$/.test(path)) throw new TypeError(`${JSON.stringify(path)} is no path of a request`);
    return Buffer.from(
      `${method} ${this.#path}${path} HTTP/1.1\r\nhost: ${this.#host}\r\n` +
        `connection: ${this.#keepAlive ? "keep-alive" : "close"}\r\naccept: */*\r\n` +
        (credentials === undefined ? "" : `authorization: ${basic(credentials)}\r\n`) +
        `${body === undefined ? "" : `content-type: ${body.type}\r\n`}${framing}\r\n`,
      "latin1",
    );
  }
}

/** What a request has while it is sent. */
interface Turn {
  readonly alarm: Alarm;
  readonly patience: Patience;
  leave(): void;
}

/** RFC 9112 §7.1. */
function framed(chunk: Uint8Array): Uint8Array {
  return concat(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
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
