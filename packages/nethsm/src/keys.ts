import { toUtf8 } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import { jsonBody, rawBody } from "./body.ts";
import { requireBytes, requireKeyShape } from "./checks.ts";
import { type Subject, subjectBody } from "./csr.ts";
import { invalidArgument } from "./errors.ts";
import { type KeyId, parseKeyId, type RestrictionTag } from "./ids.ts";
import { type ImportedKey, type ImportedPem, importBody, importPemBody } from "./key-import.ts";
import { keyInfoReader } from "./key-info.ts";
import {
  type DecryptInput,
  decrypt,
  type Encrypted,
  type EncryptInput,
  encrypt,
  type SignInput,
  sign,
} from "./key-use.ts";
import { listOf, object, parsed } from "./reader.ts";
import { answerLimits, type Session } from "./session.ts";
import { type KeyInfo, type KeyMechanism, type KeyType, maxLabelBytes } from "./types.ts";

export interface NewKey {
  /** Absent: the device chooses one. */
  readonly id?: KeyId | undefined;
  readonly type: KeyType;
  readonly mechanisms: readonly KeyMechanism[];
  /** Bits; for RSA and Generic. */
  readonly length?: number | undefined;
  readonly tags?: readonly RestrictionTag[] | undefined;
  /** Release 5.0 and later, at most 32 bytes. */
  readonly label?: string | undefined;
}

export interface KeyFilter {
  /** Only those that the asking user may use. */
  readonly usable?: boolean;
  /** Exactly this label (release 5.0 and later). */
  readonly label?: string;
}

const listReader = listOf(object({ id: parsed(parseKeyId) }));
const idReader = object({ id: parsed(parseKeyId) });

/** Keys of the asking user's own namespace. Administrators manage, Operators use; both may look. */
export class Keys {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** GET /keys. */
  async list(filter: KeyFilter = {}): Promise<readonly KeyId[]> {
    const query = new URLSearchParams();
    if (filter.usable === true) query.set("filter", "1");
    if (filter.label !== undefined) query.set("label", checkedLabel(filter.label));
    return this.#list(`/keys${query.size === 0 ? "" : `?${query}`}`);
  }

  /** GET /keys/{prefix}* (release 3.0 and later). */
  async listByPrefix(prefix: KeyId, filter: Pick<KeyFilter, "label"> = {}): Promise<readonly KeyId[]> {
    const query = filter.label === undefined ? "" : `?${new URLSearchParams({ label: checkedLabel(filter.label) })}`;
    return this.#list(`/keys/${prefix}*${query}`);
  }

  /** POST /keys/generate. An id that exists is `bad-request`. Large RSA keys take the device minutes. */
  async generate(key: NewKey): Promise<KeyId> {
    const { id, type, mechanisms, length, tags, label } = key;
    requireKeyShape(type, mechanisms, length);
    if (label !== undefined) checkedLabel(label);
    const body = jsonBody({
      id,
      type,
      mechanisms,
      length,
      restrictions: tags === undefined ? undefined : { tags },
      label,
    });
    return (await this.#session.json({ method: "POST", path: "/keys/generate", body, slow: true }, idReader)).id;
  }

  /** PUT /keys/{id}, or POST /keys for an id of the device's choice, which is returned. */
  async import(key: ImportedKey): Promise<KeyId> {
    return this.#import(key.id, importBody(key));
  }

  /** The same as multipart form, for a private key in PEM: PKCS #8, PKCS #1 or SEC1, not encrypted. */
  async importPem(key: ImportedPem): Promise<KeyId> {
    return this.#import(key.id, importPemBody(key));
  }

  /** GET /keys/{id}. */
  async get(id: KeyId): Promise<KeyInfo> {
    return this.#session.json({ method: "GET", path: `/keys/${id}` }, keyInfoReader);
  }

  /** DELETE /keys/{id}. */
  async delete(id: KeyId): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/keys/${id}` });
  }

  /** POST /keys/{id}/move (release 3.0 and later): another name, everything else stays. */
  async move(id: KeyId, newId: KeyId): Promise<KeyId> {
    const ask = { method: "POST", path: `/keys/${id}/move`, body: jsonBody({ newId }) } as const;
    return (await this.#session.json(ask, idReader)).id;
  }

  /** PUT /keys/{id}/label (release 5.0 and later), at most 32 bytes. False if it was that already. */
  async setLabel(id: KeyId, label: string): Promise<boolean> {
    const body = jsonBody({ label: checkedLabel(label) });
    return this.#session.changed({ method: "PUT", path: `/keys/${id}/label`, body });
  }

  /** DELETE /keys/{id}/label (release 5.0 and later), also if there is none. */
  async deleteLabel(id: KeyId): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/keys/${id}/label` });
  }

  /** PUT /keys/{id}/restrictions/tags/{tag}. False if it was there. */
  async addTag(id: KeyId, tag: RestrictionTag): Promise<boolean> {
    return this.#session.changed({ method: "PUT", path: `/keys/${id}/restrictions/tags/${tag}` });
  }

  /** DELETE /keys/{id}/restrictions/tags/{tag}. */
  async removeTag(id: KeyId, tag: RestrictionTag): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/keys/${id}/restrictions/tags/${tag}` });
  }

  /** GET /keys/{id}/public.pem: SubjectPublicKeyInfo. */
  async publicPem(id: KeyId): Promise<string> {
    return this.#session.pem({ method: "GET", path: `/keys/${id}/public.pem` });
  }

  /** POST /keys/{id}/csr.pem. */
  async csr(id: KeyId, subject: Subject): Promise<string> {
    if (subject.commonName === "") throw invalidArgument("common name is empty");
    return this.#session.pem({
      method: "POST",
      path: `/keys/${id}/csr.pem`,
      body: subjectBody(subject),
      repeatable: true,
    });
  }

  /** GET /keys/{id}/cert: the bytes as they were stored. Undefined if there is none, or no such key. */
  async getCertificate(id: KeyId): Promise<Uint8Array | undefined> {
    return this.#session.bytesIfAny({ method: "GET", path: `/keys/${id}/cert`, maxBytes: limits.certificateBytes });
  }

  /** PUT /keys/{id}/cert: any bytes up to 1 MiB. If there is one already: `conflict`; delete it first. */
  async setCertificate(id: KeyId, certificate: Uint8Array): Promise<void> {
    requireBytes("certificate", certificate, limits.certificateBytes);
    const body = rawBody("application/octet-stream", certificate);
    await this.#session.done({ method: "PUT", path: `/keys/${id}/cert`, body });
  }

  /** DELETE /keys/{id}/cert. */
  async deleteCertificate(id: KeyId): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/keys/${id}/cert` });
  }

  /** POST /keys/{id}/sign. */
  async sign(id: KeyId, input: SignInput): Promise<Uint8Array> {
    return sign(this.#session, id, input);
  }

  /** POST /keys/{id}/decrypt. */
  async decrypt(id: KeyId, input: DecryptInput): Promise<Uint8Array> {
    return decrypt(this.#session, id, input);
  }

  /** POST /keys/{id}/encrypt. */
  async encrypt(id: KeyId, input: EncryptInput): Promise<Encrypted> {
    return encrypt(this.#session, id, input);
  }

  async #list(path: string): Promise<readonly KeyId[]> {
    const items = await this.#session.json({ method: "GET", path, maxBytes: answerLimits.list }, listReader);
    return items.map((item) => item.id);
  }

  async #import(id: KeyId | undefined, body: ReturnType<typeof importBody>): Promise<KeyId> {
    if (id === undefined) return (await this.#session.json({ method: "POST", path: "/keys", body }, idReader)).id;
    await this.#session.done({ method: "PUT", path: `/keys/${id}`, body });
    return id;
  }
}

function checkedLabel(label: string): string {
  requireBytes("label", toUtf8(label), maxLabelBytes);
  return label;
}
