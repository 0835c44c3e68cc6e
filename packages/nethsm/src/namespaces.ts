import { type NamespaceId, parseNamespaceId } from "./ids.ts";
import { listOf, object, parsed } from "./reader.ts";
import { answerLimits, type Session } from "./session.ts";

const listReader = listOf(object({ id: parsed(parseNamespaceId) }));

/** All for Administrators without namespace. */
export class Namespaces {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** GET /namespaces. */
  async list(): Promise<readonly NamespaceId[]> {
    const items = await this.#session.json(
      { method: "GET", path: "/namespaces", maxBytes: answerLimits.list },
      listReader,
    );
    return items.map((item) => item.id);
  }

  /** PUT /namespaces/{id}. One that exists is `bad-request`: the device answers 400, not 409. */
  async create(id: NamespaceId): Promise<void> {
    await this.#session.done({ method: "PUT", path: `/namespaces/${id}` });
  }

  /** DELETE /namespaces/{id}: deletes all its keys and leaves its users, who may do nothing from then on. */
  async delete(id: NamespaceId): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/namespaces/${id}` });
  }
}
