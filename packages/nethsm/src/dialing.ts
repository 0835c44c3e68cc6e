/** A connection on its way: TCP, TLS, and the certificate judged, so that no byte of a request can reach a stranger. */
import { connect, isIP, type Socket } from "node:net";
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { messageOf } from "@signstar/primitives/failure";
import { pinOf, showPin, type TlsSecurity } from "./tls.ts";
import { Trouble } from "./trouble.ts";

export interface DialSettings {
  readonly hostname: string;
  readonly port: number;
  readonly tls: TlsSecurity;
  readonly connectMs: number;
  readonly tlsMs: number;
  /** Made once for all connections to a device. */
  readonly secureContext: () => SecureContext;
}

/** An empty list of authorities spares parsing the root store, which costs more than the handshake. */
export function secureContextFor(tls: TlsSecurity): SecureContext {
  return createSecureContext({ ca: tls.mode === "native" ? getCACertificates("system") : [] });
}

export class Dialing {
  /** Rejects with a Trouble, or with what `abandon` was given. */
  readonly ready: Promise<TLSSocket>;
  readonly #settings: DialSettings;
  #socket: Socket;
  #reason: Error | undefined;

  constructor(settings: DialSettings) {
    this.#settings = settings;
    const { hostname: host, port } = settings;
    this.#socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1_000 });
    this.ready = this.#open(this.#socket);
    // Whether anybody waits for it is not for us to know.
    this.ready.catch(() => undefined);
  }

  abandon(reason?: Error): void {
    this.#reason ??= reason;
    this.#socket.destroy(reason);
  }

  async #open(tcp: Socket): Promise<TLSSocket> {
    const { tls, connectMs, tlsMs } = this.#settings;
    tcp.on("error", () => undefined);
    const late = new Trouble("connect-timeout", `no connection within ${connectMs} ms`);
    await this.#reached("connect", { late, ms: connectMs, lost: notConnected });
    if (tcp.destroyed) throw this.#reason ?? notConnected(undefined);
    // TLS is loaded only now, when there is somebody to talk to.
    const socket = this.#secure(tcp);
    const slow = new Trouble("tls-timeout", `TLS handshake not done within ${tlsMs} ms`);
    await this.#reached("secureConnect", { late: slow, ms: tlsMs, lost: (error) => notSecured(error, socket) });
    const wrong = tls.mode === "pinned" ? pinTrouble(socket, tls.sha256) : undefined;
    if (wrong !== undefined) {
      socket.destroy();
      throw wrong;
    }
    return socket;
  }

  #secure(socket: Socket): TLSSocket {
    const { hostname: host, tls, secureContext } = this.#settings;
    const secured = connectTls({
      socket,
      host,
      // Only names are sent (RFC 6066 §3).
      servername: isIP(host) === 0 ? host : "",
      secureContext: secureContext(),
      // With pins the certificate is judged by us. Sessions are never resumed: Node no longer knows the certificate
      // then, so there would be nothing to compare with a pin.
      rejectUnauthorized: tls.mode === "native",
      ALPNProtocols: ["http/1.1"],
    });
    this.#socket = secured.on("error", () => undefined);
    return secured;
  }

  /** Throws Trouble if the socket fails, or `late` when the time is over. */
  #reached(
    event: "connect" | "secureConnect",
    { late, ms, lost }: { readonly late: Trouble; readonly ms: number; lost(error: Error | undefined): Trouble },
  ): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      let error: Error | undefined;
      const timer = setTimeout(() => this.abandon(late), ms);
      const onError = (cause: Error) => {
        error ??= cause;
      };
      const onClose = () => {
        clearTimeout(timer);
        reject(this.#reason ?? lost(error));
      };
      socket.once("error", onError).once("close", onClose);
      socket.once(event, () => {
        clearTimeout(timer);
        socket.off("error", onError).off("close", onClose);
        resolve();
      });
    });
  }
}

function notConnected(error: Error | undefined): Trouble {
  return new Trouble(
    "unreachable",
    error === undefined ? "connection was closed before it was ready" : reasonOf(error),
    {
      cause: error,
      hint: "check the device's URL, power and network",
    },
  );
}

function notSecured(error: Error | undefined, socket: TLSSocket): Trouble {
  if (error === undefined) return new Trouble("tls-failed", "connection was closed before it was ready");
  // Set if the handshake went well and only the certificate was refused; its type does not admit that it is null else.
  const refused: unknown = socket.authorizationError;
  if (refused !== null && refused !== undefined) {
    return new Trouble("tls-untrusted", `certificate is not trusted: ${error.message}`, {
      cause: error,
      hint: "add its authority to the system's, or pin the certificate",
    });
  }
  return new Trouble("tls-failed", `TLS handshake failed: ${error.message}`, { cause: error });
}

function pinTrouble(socket: TLSSocket, pins: readonly string[]): Trouble | undefined {
  const certificate = socket.getPeerX509Certificate();
  const found = certificate === undefined ? undefined : pinOf(certificate.raw);
  if (found !== undefined && pins.includes(found)) return undefined;
  const expected = pins.length === 0 ? "no pin" : pins.map(showPin).join(" or ");
  return new Trouble(
    "tls-pin-mismatch",
    `certificate ${found === undefined ? "is missing" : `is ${showPin(found)}`}, expected ${expected}`,
    { hint: "compare with the device's own certificate; if it was replaced on purpose, update the pin" },
  );
}

/** Of several addresses tried, every reason. */
function reasonOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(messageOf).join(", ") : error.message;
}
