/** Sessions as our programs write them, and what journald makes of their entries. */
import { createHash } from "node:crypto";
import { jsonLine } from "@signstar/host/journal";

export const names: ReadonlyMap<number, string> = new Map([
  [3000, "build"],
  [3001, "release"],
]);
export const clientKey = `SHA256:${"k".repeat(43)}`;
export const otherKey = `SHA256:${"o".repeat(43)}`;
/** 2026-11-18T11:06:40Z */
export const began = 1_795_000_000_000;

export type Fields = Readonly<Record<string, unknown>>;

export function sha512(text: string): string {
  return createHash("sha512").update(text).digest("hex");
}

export interface Writing {
  readonly session?: string;
  readonly uid?: number;
  readonly user?: string;
  readonly client?: string | undefined;
  readonly at?: number;
  readonly program?: string;
}

/** One run of a program: `entries` in order, each a second after the other. */
export class Told {
  readonly session: string;
  readonly entries: Fields[] = [];
  readonly #writing: Writing;

  constructor(number: number, writing: Writing = {}) {
    this.session = `${String(number).padStart(8, "0")}-0000-4000-8000-000000000000`;
    this.#writing = writing;
  }

  add(event: string, fields: Fields = {}): this {
    this.entries.push({ event, session: this.session, seq: this.entries.length + 1, ...fields });
    return this;
  }

  start(): this {
    const { program = "signstar-download-signature", uid = 3000, user = "build" } = this.#writing;
    const client = "client" in this.#writing ? this.#writing.client : clientKey;
    return this.add("session-start", {
      ...{ program, version: "0.1.0", uid, user, client_key: client, peer_address: "192.0.2.7", peer_port: 40000 },
    });
  }

  intent(text: string, request = this.session, fields: Fields = {}): this {
    const { user = "build" } = this.#writing;
    const client = "client" in this.#writing ? this.#writing.client : clientKey;
    const about = { request, digest: sha512(text), key: "key1", user, client_key: client, size: text.length };
    return this.add("intent", { ...about, certificate: "a".repeat(40), claimed_name: `${text}.tar`, ...fields });
  }

  verdict(text: string, request = this.session, fields: Fields = {}): this {
    const about = { request, digest: sha512(text), key: "key1", ms: 40, outcome: "signed" };
    const made = { device: "https://192.0.2.1/api/v1", signature: "b".repeat(64), created: began / 1000 };
    return this.add("verdict", { ...about, certificate: "a".repeat(40), ...made, ...fields });
  }

  end(fields: Fields = {}): this {
    return this.add("session-end", { exit: 0, ms: 100, ...fields });
  }

  /** As a log host keeps them. */
  bare(): readonly string[] {
    return this.entries.map((entry) => jsonLine({ ...entry }));
  }

  /** As `journalctl -o json` prints them. */
  journal(more: Fields = {}): readonly string[] {
    const { uid = 3000, at = began, program = "signstar-download-signature" } = this.#writing;
    return this.entries.map((entry, i) =>
      JSON.stringify({
        __CURSOR: `s=${"c".repeat(32)};i=${this.session.slice(0, 8)}${entry["seq"]};b=${"b".repeat(32)};m=1;t=2;x=3`,
        __REALTIME_TIMESTAMP: String((at + i * 1000) * 1000),
        _BOOT_ID: "b".repeat(32),
        _TRANSPORT: "stdout",
        _STREAM_ID: `stream-${this.session}`,
        _UID: String(uid),
        SYSLOG_IDENTIFIER: program,
        PRIORITY: "6",
        MESSAGE: jsonLine({ ...entry }),
        ...more,
      }),
    );
  }
}

/** One good signature. */
export function signing(number: number, text: string, writing: Writing = {}): Told {
  return new Told(number, writing).start().intent(text).verdict(text).end();
}
