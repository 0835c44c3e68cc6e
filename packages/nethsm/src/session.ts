/** A user's requests to one device: sends calls, turns refusals and bad answers into errors that say where and what. */

import type { Body } from "./body.ts";
import type { Budget } from "./deadlines.ts";
import { NetHsmError } from "./errors.ts";
import type { Incoming } from "./incoming.ts";
import { beginPause } from "./pauses.ts";
import { AnswerError, type Reader, readJson, readPem } from "./reader.ts";
import { refusalError } from "./refusal.ts";
import type { Call, Credentials, Transport } from "./transport.ts";
import { Trouble } from "./trouble.ts";

const mebibyte = 1024 * 1024;

/** Bounds on answers, in bytes. */
export const answerLimits = {
  usual: mebibyte,
  /** A list of every key: some 150 bytes each. */
  list: 64 * mebibyte,
  /** 50 MB of result in base64, the device's own limit for requests. */
  crypto: 67 * mebibyte,
} as const;

export interface Ask {
  readonly method: Call["method"];
  readonly path: string;
  readonly body?: Body | undefined;
  /**
   * Whose credentials go along: `user` (default) demands some, `anyone` sends none, `either` depends on the device's
   * state and sends those there are.
   */
  readonly auth?: "user" | "anyone" | "either";
  readonly slow?: boolean;
  readonly repeatable?: boolean;
  readonly maxBytes?: number;
}

export class Session {
  readonly device: string;
  readonly credentials: Credentials | undefined;
  readonly #transport: Transport;
  readonly #budget: Budget | undefined;

  constructor(device: string, transport: Transport, credentials: Credentials | undefined, budget: Budget | undefined) {
    this.device = device;
    this.#transport = transport;
    this.credentials = credentials;
    this.#budget = budget;
  }

  async json<T>(ask: Ask, reader: Reader<T>): Promise<T> {
    return this.#naming(ask, async () => readJson(await this.bytes(ask), reader));
  }

  async pem(ask: Ask): Promise<string> {
    return this.#naming(ask, async () => readPem(await this.bytes(ask)));
  }

  async bytes(ask: Ask): Promise<Uint8Array> {
    const incoming = await this.#open(ask);
    return this.#naming(ask, () => incoming.collect(ask.maxBytes ?? answerLimits.usual));
  }

  /** For answers without content. */
  async done(ask: Ask): Promise<void> {
    await this.bytes(ask);
  }

  /** False if the device says that nothing was to be changed. */
  async changed(ask: Ask): Promise<boolean> {
    const incoming = await this.#open(ask, 304);
    await this.#naming(ask, () => incoming.collect(answerLimits.usual));
    return incoming.status !== 304;
  }

  /** Undefined if the device does not have it. */
  async bytesIfAny(ask: Ask): Promise<Uint8Array | undefined> {
    return ifAny(() => this.bytes(ask));
  }

  async pemIfAny(ask: Ask): Promise<string | undefined> {
    return ifAny(() => this.pem(ask));
  }

  /** Resolves when the head has come and is a success; the body must be read, or the client closed. */
  async stream(ask: Ask): Promise<AsyncIterable<Uint8Array>> {
    const incoming = await this.#open(ask);
    const self = this;
    return (async function* () {
      try {
        yield* incoming.stream();
      } catch (error) {
        throw self.#named(ask, error);
      }
    })();
  }

  async #open(ask: Ask, alsoFine?: number): Promise<Incoming> {
    const call = this.#call(ask);
    const incoming = await this.#naming(ask, () => this.#transport.open(call));
    const { status, contentType } = incoming;
    if ((status >= 200 && status < 300) || status === alsoFine) {
      this.#budget?.renew();
      return incoming;
    }
    // The status says enough: a refusal whose text is cut off or too long is still that refusal.
    const body = await incoming.collect(answerLimits.usual).catch(() => new Uint8Array(0));
    if ((status === 401 || status === 429) && call.credentials !== undefined) {
      beginPause(this.device, call.credentials.user);
    }
    throw refusalError({ device: this.device, endpoint: endpointOf(ask), status, contentType, body });
  }

  #call(ask: Ask): Call {
    const { auth = "user", method, path, body, slow } = ask;
    if (auth === "user" && this.credentials === undefined) {
      throw new NetHsmError(
        "no-credentials",
        `${endpointOf(ask)} at ${this.device}: needs a user, and none was given`,
        {
          device: this.device,
          endpoint: endpointOf(ask),
        },
      );
    }
    return {
      method,
      path,
      body,
      slow,
      credentials: auth === "anyone" ? undefined : this.credentials,
      repeatable: ask.repeatable ?? method === "GET",
      budget: this.#budget,
    };
  }

  async #naming<T>(ask: Ask, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#named(ask, error);
    }
  }

  /** Adds device and endpoint; what is neither the way's nor the answer's (a file that cannot be read) stays as it is. */
  #named(ask: Ask, error: unknown): unknown {
    const where = { device: this.device, endpoint: endpointOf(ask), cause: error };
    const prefix = `${where.endpoint} at ${where.device}`;
    if (error instanceof Trouble) {
      return new NetHsmError(error.code, `${prefix}: ${error.message}`, { ...where, hint: error.hint });
    }
    if (error instanceof AnswerError) {
      return new NetHsmError("bad-answer", `${prefix}: answer makes no sense: ${error.message}`, {
        ...where,
        hint: "check that this is a NetHSM, and of a release that this program knows",
      });
    }
    return error;
  }
}

function endpointOf(ask: Ask): string {
  return `${ask.method} ${ask.path}`;
}

async function ifAny<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NetHsmError && error.code === "not-found") return undefined;
    throw error;
  }
}
