import type { Secret } from "@signstar/primitives/secret";
import { type Body, jsonBody, lateText } from "./body.ts";
import { requireNewPassphrase } from "./checks.ts";
import { type NamespaceId, parseTag, parseUserId, type RestrictionTag, type UserId } from "./ids.ts";
import { listOf, object, oneOf, parsed, type Reader, text } from "./reader.ts";
import { answerLimits, type Session } from "./session.ts";
import { type Role, roles, type UserInfo } from "./types.ts";

export interface NewUser {
  readonly realName: string;
  readonly role: Role;
  /** 10 to 200 bytes. */
  readonly passphrase: Secret;
}

const listReader = listOf(object({ user: parsed(parseUserId) }));
const idReader = object({ id: parsed(parseUserId) });
const userReader: Reader<UserInfo> = object({ realName: text, role: oneOf(roles) });
const tagsReader = listOf(parsed(parseTag));

/** For Administrators, who manage the users of their own namespace; those without one see all users. */
export class Users {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** GET /users. */
  async list(): Promise<readonly UserId[]> {
    const items = await this.#session.json({ method: "GET", path: "/users", maxBytes: answerLimits.list }, listReader);
    return items.map((item) => item.user);
  }

  /** PUT /users/{id}. A user that exists is `conflict`. Name and role cannot be changed afterwards. */
  async create(id: UserId, user: NewUser): Promise<void> {
    await this.#session.done({ method: "PUT", path: `/users/${id}`, body: newUserBody(user) });
  }

  /** POST /users or /users/{namespace}~: with a name of the device's choice. */
  async createUnnamed(user: NewUser, namespace?: NamespaceId): Promise<UserId> {
    const path = namespace === undefined ? "/users" : `/users/${namespace}~`;
    return (await this.#session.json({ method: "POST", path, body: newUserBody(user) }, idReader)).id;
  }

  /** GET /users/{id}; an Operator may read itself. */
  async get(id: UserId): Promise<UserInfo> {
    return this.#session.json({ method: "GET", path: `/users/${id}` }, userReader);
  }

  /** DELETE /users/{id}. */
  async delete(id: UserId): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/users/${id}` });
  }

  /** POST /users/{id}/passphrase; an Operator may set its own. */
  async setPassphrase(id: UserId, passphrase: Secret): Promise<void> {
    requireNewPassphrase("passphrase", passphrase);
    const body = jsonBody({ passphrase: lateText(passphrase) });
    await this.#session.done({ method: "POST", path: `/users/${id}/passphrase`, body });
  }

  /** GET /users/{id}/tags. Of a user who is no Operator it is `not-found`. */
  async tags(id: UserId): Promise<readonly RestrictionTag[]> {
    return this.#session.json({ method: "GET", path: `/users/${id}/tags` }, tagsReader);
  }

  /** PUT /users/{id}/tags/{tag}, Operators only. False if it was there. */
  async addTag(id: UserId, tag: RestrictionTag): Promise<boolean> {
    return this.#session.changed({ method: "PUT", path: `/users/${id}/tags/${tag}` });
  }

  /** DELETE /users/{id}/tags/{tag}. */
  async removeTag(id: UserId, tag: RestrictionTag): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/users/${id}/tags/${tag}` });
  }
}

function newUserBody({ realName, role, passphrase }: NewUser): Body {
  requireNewPassphrase("passphrase", passphrase);
  return jsonBody({ realName, role, passphrase: lateText(passphrase) });
}
