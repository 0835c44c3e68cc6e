/** Several devices on one database (release 4.0 and later), for Administrators without namespace. */
import type { Brand } from "@signstar/primitives/brand";
import type { Secret } from "@signstar/primitives/secret";
import { jsonBody, lateText } from "./body.ts";
import { requireText } from "./checks.ts";
import { invalidArgument } from "./errors.ts";
import { flag, listOf, object, optional, parsed, type Reader, text } from "./reader.ts";
import { answerLimits, type Session } from "./session.ts";

/** Hexadecimal. */
export type MemberId = Brand<string, "MemberId">;

export interface Member {
  readonly id: MemberId;
  readonly name: string;
  /** Where the others reach it: `https://192.0.2.1:2380`. */
  readonly urls: readonly string[];
  /** Does not vote yet; undefined before release 5.0. */
  readonly learner: boolean | undefined;
}

export interface InitialMember {
  /** Empty for the one that is to join. */
  readonly name: string;
  readonly urls: readonly string[];
}

/** What the new device needs to join, besides the backup passphrase of the one that announced it. */
export interface Invitation {
  readonly members: readonly InitialMember[];
  readonly joinerKit: string;
}

/** Throws NetHsmError `invalid-argument`. */
export function parseMemberId(text: string): MemberId {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text))
    throw invalidArgument(`cluster member ${JSON.stringify(text)} is not hexadecimal`);
  return text as MemberId;
}

const membersReader: Reader<readonly Member[]> = listOf(
  object({ id: parsed(parseMemberId), name: text, urls: listOf(text), learner: optional(flag) }),
);
const invitationReader: Reader<Invitation> = object({
  members: listOf(object({ name: text, urls: listOf(text) })),
  joinerKit: text,
});

export class Cluster {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** GET /cluster/members. */
  async members(): Promise<readonly Member[]> {
    return this.#session.json({ method: "GET", path: "/cluster/members" }, membersReader);
  }

  /**
   * POST /cluster/members: announces a device. The quorum counts it at once: of a single device nothing works until
   * the second has joined.
   */
  async addMember(urls: readonly string[]): Promise<Invitation> {
    const body = jsonBody({ urls: checkedUrls(urls) });
    const ask = { method: "POST", path: "/cluster/members", body, slow: true, maxBytes: answerLimits.list } as const;
    return this.#session.json(ask, invitationReader);
  }

  /** PUT /cluster/members/{id}. */
  async setMemberUrls(id: MemberId, urls: readonly string[]): Promise<void> {
    const body = jsonBody({ urls: checkedUrls(urls) });
    await this.#session.done({ method: "PUT", path: `/cluster/members/${id}`, body });
  }

  /** DELETE /cluster/members/{id}: for good; the device must be reset afterwards. */
  async removeMember(id: MemberId): Promise<void> {
    await this.#session.done({ method: "DELETE", path: `/cluster/members/${id}` });
  }

  /** POST /cluster/members/{id}/promote (release 5.0): lets a learner vote. */
  async promote(id: MemberId): Promise<void> {
    await this.#session.done({ method: "POST", path: `/cluster/members/${id}/promote` });
  }

  /** POST /cluster/join: this device gives up its own data for the cluster's and ends Locked. */
  async join({ members, joinerKit }: Invitation, backupPassphrase: Secret): Promise<void> {
    if (members.length < 2) throw invalidArgument("cluster to join has fewer than two members");
    if (members.filter((member) => member.name === "").length !== 1) {
      throw invalidArgument("cluster to join has not exactly one member without name, the one that joins");
    }
    requireText("backup passphrase", backupPassphrase);
    const body = jsonBody({
      members: members.map(({ name, urls }) => ({ name, urls: checkedUrls(urls) })),
      joinerKit,
      backupPassphrase: lateText(backupPassphrase),
    });
    await this.#session.done({ method: "POST", path: "/cluster/join", body, slow: true });
  }

  /**
   * POST /cluster/force-new (release 5.0), of a Failed device: a new cluster of this one alone. The user is `unlock`,
   * with the last unlock passphrase.
   */
  async forceNew(): Promise<void> {
    await this.#session.done({ method: "POST", path: "/cluster/force-new", slow: true });
  }
}

function checkedUrls(urls: readonly string[]): readonly string[] {
  for (const text of urls) {
    const url = URL.parse(text);
    if (url?.protocol !== "https:" || url.port !== "2380") {
      throw invalidArgument(`peer URL ${JSON.stringify(text)} is not like https://192.0.2.1:2380`);
    }
  }
  if (urls.length === 0) throw invalidArgument("cluster member is given no peer URL");
  return urls;
}
