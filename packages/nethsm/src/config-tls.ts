/** The device's own TLS key and certificate. After a change it answers with another certificate: mind the pins. */
import { toUtf8 } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import { jsonBody, rawBody } from "./body.ts";
import { requireBytes, requireInteger, requirePemCertificate } from "./checks.ts";
import { type Subject, subjectBody } from "./csr.ts";
import { invalidArgument } from "./errors.ts";
import type { Session } from "./session.ts";
import { keyTypeRules, type TlsKeyType } from "./types.ts";

export class ConfigTls {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** GET /config/tls/public.pem. */
  async publicPem(): Promise<string> {
    return this.#session.pem({ method: "GET", path: "/config/tls/public.pem" });
  }

  /** GET /config/tls/cert.pem: the chain, leaf first. */
  async getCertificate(): Promise<string> {
    return this.#session.pem({ method: "GET", path: "/config/tls/cert.pem" });
  }

  /** PUT /config/tls/cert.pem: a chain for the device's present key, leaf first. */
  async setCertificate(pem: string): Promise<void> {
    await this.#putPem("/config/tls/cert.pem", "TLS certificate", pem);
  }

  /** POST /config/tls/csr.pem. */
  async csr(subject: Subject): Promise<string> {
    return this.#session.pem({
      method: "POST",
      path: "/config/tls/csr.pem",
      body: subjectBody(subject),
      repeatable: true,
    });
  }

  /** POST /config/tls/generate: a new key and a self-signed certificate for it. `length` in bits, for RSA. */
  async generate(type: TlsKeyType, length?: number): Promise<void> {
    const bounds = keyTypeRules[type].length;
    if (bounds !== undefined) {
      if (length === undefined) throw invalidArgument(`TLS key of type ${type} is given no length`);
      requireInteger("length of the TLS key in bits", length, bounds.min, bounds.max);
    }
    const body = jsonBody({ type, length });
    await this.#session.done({ method: "POST", path: "/config/tls/generate", body, slow: true });
  }

  /** GET /config/tls/cluster-ca.pem (release 4.0 and later). Undefined if none is set. */
  async getClusterCa(): Promise<string | undefined> {
    return this.#session.pemIfAny({ method: "GET", path: "/config/tls/cluster-ca.pem" });
  }

  /** PUT /config/tls/cluster-ca.pem (release 4.0 and later): must have signed the device's certificate. */
  async setClusterCa(pem: string): Promise<void> {
    await this.#putPem("/config/tls/cluster-ca.pem", "cluster CA", pem);
  }

  async #putPem(path: string, what: string, pem: string): Promise<void> {
    const bytes = toUtf8(pem);
    requireBytes(what, bytes, limits.certificateBytes);
    requirePemCertificate(what, pem);
    await this.#session.done({ method: "PUT", path, body: rawBody("application/x-pem-file", bytes) });
  }
}
