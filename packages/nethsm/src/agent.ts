/**
 * Connections to one device. A request gets its socket only after the handshake is done and the certificate is known
 * to be the right one, so neither a credential nor any other byte of a request can reach a stranger.
 */
import type { ClientRequestArgs } from "node:http";
import { Agent } from "node:https";
import type { Duplex } from "node:stream";
import { createSecureContext, getCACertificates, type SecureContext, type TLSSocket } from "node:tls";
import { messageOf } from "@signstar/primitives/failure";
import type { NetHsmErrorCode } from "./errors.ts";
import { pinOf, showPin, type TlsSecurity } from "./tls.ts";

/** Why a request failed, before it is known for which endpoint of which device. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  readonly code: NetHsmErrorCode;
  readonly hint: string | undefined;

  constructor(
    code: NetHsmErrorCode,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

export interface AgentSettings {
  readonly tls: TlsSecurity;
  readonly connectMs: number;
  readonly tlsMs: number;
  readonly keepAlive: boolean;
}

/** Shorter than the 5 s after which servers commonly close an idle connection: who is first loses no request. */
const idleMs = 4_000;

type Created = (error: Error | null, socket: Duplex) => void;

export class DeviceAgent extends Agent {
  readonly #settings: AgentSettings;
  readonly #opening = new Set<TLSSocket>();
  #context: SecureContext | undefined;

  constructor(settings: AgentSettings) {
    super({
      keepAlive: settings.keepAlive,
      timeout: idleMs,
      // On a resumed session Node no longer knows the certificate, so there would be nothing to compare with a pin.
      // Resuming saves no round trip and a millisecond at most.
      maxCachedSessions: 0,
      // With pins the certificate is judged by us, in `createConnection`.
      rejectUnauthorized: settings.tls.mode === "native",
    });
    this.#settings = settings;
  }

  /** Calls back when the socket may be written to, or with a Trouble. */
  override createConnection(options: ClientRequestArgs, created?: Created): undefined {
    const { tls, connectMs, tlsMs } = this.#settings;
    const socket = super.createConnection({
      ...options,
      secureContext: this.#secureContext(),
    } as ClientRequestArgs) as TLSSocket;
    this.#opening.add(socket);

    let phase: "connect" | "tls" = "connect";
    let timer = setTimeout(() => {
      socket.destroy(new Trouble("connect-timeout", `no connection within ${connectMs} ms`));
    }, connectMs);

    const settle = (trouble?: Trouble) => {
      clearTimeout(timer);
      this.#opening.delete(socket);
      socket.off("error", onError).off("close", onClose);
      if (trouble !== undefined) {
        socket.on("error", () => {}).destroy();
      }
      created?.(trouble ?? null, socket);
    };
    const onError = (error: Error) => settle(troubleWhileOpening(error, phase, socket));
    const onClose = () =>
      settle(new Trouble(phase === "tls" ? "tls-failed" : "unreachable", "connection was closed before it was ready"));

    socket.on("error", onError).on("close", onClose);
    socket.once("connect", () => {
      phase = "tls";
      clearTimeout(timer);
      timer = setTimeout(() => {
        socket.destroy(new Trouble("tls-timeout", `TLS handshake not done within ${tlsMs} ms`));
      }, tlsMs);
    });
    socket.once("secureConnect", () => settle(tls.mode === "pinned" ? pinTrouble(socket, tls.sha256) : undefined));
    return undefined;
  }

  /** Also ends connections that are still being opened. */
  override destroy(): void {
    for (const socket of this.#opening) socket.destroy();
    super.destroy();
  }

  #secureContext(): SecureContext {
    // An empty list spares parsing the root store, which costs more than the handshake.
    this.#context ??= createSecureContext({
      ca: this.#settings.tls.mode === "native" ? getCACertificates("system") : [],
    });
    return this.#context;
  }
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

function troubleWhileOpening(error: Error, phase: "connect" | "tls", socket: TLSSocket): Trouble {
  if (error instanceof Trouble) return error;
  if (phase === "connect") {
    return new Trouble("unreachable", reasonOf(error), {
      cause: error,
      hint: "check the device's URL, power and network",
    });
  }
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

/** Of several addresses tried, every reason. */
function reasonOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(messageOf).join(", ") : error.message;
}
