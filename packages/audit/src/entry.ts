/** Entries of our programs (`docs/log-events.md`), made of parsed JSON. */
import { isProgram, type Program } from "./programs.ts";

interface InSession {
  /** UUID of one run of a program. */
  readonly session: string;
  /** From 1. */
  readonly seq: number;
}

export interface SessionStart extends InSession {
  readonly event: "session-start";
  readonly program: Program;
  readonly uid: number | undefined;
  readonly user: string | undefined;
  readonly clientKey: string | undefined;
  readonly peer: string | undefined;
}

/** What intent and verdict say of the same request. */
interface OfRequest extends InSession {
  readonly request: string;
  /** SHA-512 of the file, lower-case hex. */
  readonly digest: string;
  readonly key: string;
  /** OpenPGP fingerprint, lower-case hex. */
  readonly certificate: string | undefined;
}

export interface Intent extends OfRequest {
  readonly event: "intent";
  readonly user: string;
  readonly clientKey: string | undefined;
  /** Bytes, as decimal text. */
  readonly size: string;
  readonly claimedName: string | undefined;
}

export interface Verdict extends OfRequest {
  readonly event: "verdict";
  readonly outcome: "signed" | "failed";
  readonly ms: number;
  readonly device: string | undefined;
  /** SHA-256 of the signature packet, lower-case hex. */
  readonly signature: string | undefined;
  /** Unix seconds. */
  readonly created: number | undefined;
  readonly code: string | undefined;
}

export interface Refusal extends InSession {
  readonly event: "refusal";
  readonly code: string;
}

export interface SessionEnd extends InSession {
  readonly event: "session-end";
  readonly exit: number;
  readonly ms: number;
}

/** An event that says nothing of signatures: it only counts for `seq`. */
export interface Other extends InSession {
  readonly event: "other";
}

export type Entry = SessionStart | Intent | Verdict | Refusal | SessionEnd | Other;

export class MalformedEntry extends Error {}

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const id = "[A-Za-z0-9][A-Za-z0-9_.-]{0,127}";
const forms = {
  session: new RegExp(`^${uuid}$`),
  request: new RegExp(`^(${uuid})(?:#[1-9][0-9]{0,14})?$`),
  event: /^[a-z][a-z-]{0,63}$/,
  user: /^[!-9;-~]{1,64}$/,
  clientKey: /^SHA256:[A-Za-z0-9+/]{43}$/,
  address: /^[0-9A-Za-z.:%_-]{1,64}$/,
  sha512: /^[0-9a-f]{128}$/,
  sha256: /^[0-9a-f]{64}$/,
  fingerprint: /^[0-9a-f]{40}$/,
  key: new RegExp(`^(?:${id}~)?${id}$`),
  size: /^(?:0|[1-9][0-9]{0,29})$/,
  code: /^[a-z][a-z0-9-]{0,63}$/,
  outcome: /^(?:signed|failed)$/,
  url: /^https:\/\/[!-~]{1,1000}$/,
  /** Cut at 1024 characters, with a mark. */
  free: /^.{0,1025}$/s,
} as const satisfies Record<string, RegExp>;

/** Undefined if this does not look like one of our entries at all. Throws MalformedEntry if it only looks like one. */
export function readEntry(value: unknown): Entry | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const members = new Members({ ...value });
  if (!["event", "session", "seq"].every((name) => members.has(name))) return undefined;
  const head = { session: members.text("session", "session"), seq: members.count("seq") };
  if (head.seq === 0) throw new MalformedEntry("seq is 0");
  const event = members.text("event", "event");
  switch (event) {
    case "session-start":
      return { event, ...head, ...startOf(members) };
    case "intent":
      return { event, ...head, ...requestOf(members, head.session), ...intentOf(members) };
    case "verdict":
      return { event, ...head, ...requestOf(members, head.session), ...verdictOf(members) };
    case "refusal":
      return { event, ...head, code: members.text("code", "code") };
    case "session-end":
      return { event, ...head, exit: members.count("exit", 255), ms: members.count("ms") };
    default:
      return { event: "other", ...head };
  }
}

function startOf(members: Members): Omit<SessionStart, "event" | keyof InSession> {
  const program = members.get("program");
  if (!isProgram(program)) throw new MalformedEntry("program is none of ours");
  return {
    program,
    uid: members.countIfAny("uid"),
    user: members.textIfAny("user", "user"),
    clientKey: members.textIfAny("client_key", "clientKey"),
    peer: members.textIfAny("peer_address", "address"),
  };
}

function requestOf(members: Members, session: string): Omit<OfRequest, keyof InSession> {
  const request = members.text("request", "request");
  if (!request.startsWith(session)) throw new MalformedEntry("request is not of its session");
  return {
    request,
    digest: members.text("digest", "sha512"),
    key: members.text("key", "key"),
    certificate: members.textIfAny("certificate", "fingerprint"),
  };
}

function intentOf(members: Members): Omit<Intent, "event" | keyof OfRequest> {
  const name = members.get("claimed_name");
  return {
    user: members.text("user", "user"),
    clientKey: members.textIfAny("client_key", "clientKey"),
    size: typeof members.get("size") === "string" ? members.text("size", "size") : String(members.count("size")),
    // A client may claim a number.
    claimedName: typeof name === "number" ? String(name) : members.textIfAny("claimed_name", "free"),
  };
}

function verdictOf(members: Members): Omit<Verdict, "event" | keyof OfRequest> {
  return {
    outcome: members.text("outcome", "outcome") === "signed" ? "signed" : "failed",
    ms: members.count("ms"),
    device: members.textIfAny("device", "url"),
    signature: members.textIfAny("signature", "sha256"),
    created: members.countIfAny("created"),
    code: members.textIfAny("code", "code"),
  };
}

/** The members of an object, each of a known form. */
class Members {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#members, name);
  }

  get(name: string): unknown {
    return this.has(name) ? this.#members[name] : undefined;
  }

  text(name: string, form: keyof typeof forms): string {
    const value = this.get(name);
    if (typeof value === "string" && forms[form].test(value)) return value;
    throw new MalformedEntry(`${name} is not of its form`);
  }

  textIfAny(name: string, form: keyof typeof forms): string | undefined {
    return this.has(name) ? this.text(name, form) : undefined;
  }

  count(name: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw new MalformedEntry(`${name} is no number of 0 to ${max}`);
  }

  countIfAny(name: string): number | undefined {
    return this.has(name) ? this.count(name) : undefined;
  }
}
