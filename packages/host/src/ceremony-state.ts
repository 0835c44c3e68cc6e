/**
 * `state.json`: where the ceremonies around the admin secret stand. signstar-configure writes it, the programs for
 * shares show it; it holds no secret.
 */
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";
import { count, list, members, oneOf, text } from "./json-shape.ts";
import { readSafeFile } from "./safe-file.ts";

export interface CeremonyState {
  /** Shares that wait for their holders. */
  readonly pending: PendingSet | undefined;
  /** Every set that is known, the newest last. */
  readonly sets: readonly KnownSet[];
  /** How the last thing that holders asked for ended. */
  readonly last: LastOutcome | undefined;
}

/** The shares made of one secret. */
export interface ShareSet {
  /** 32 lower-case hexadecimal digits. */
  readonly set: string;
  readonly iteration: number;
  readonly threshold: number;
  readonly numberOfShares: number;
  /** `setDigest` of its shares: one that has another was not made here. */
  readonly digest: string;
}

export interface PendingSet extends ShareSet {
  /** Until then the shares wait. */
  readonly deadline: Date;
  readonly holders: readonly Holder[];
}

export interface Holder {
  /** The Unix user that fetches the share. */
  readonly user: string;
  /** Of the SSH key, as OpenSSH writes it: `SHA256:…`. */
  readonly fingerprint: string;
  /** SHA-256 of the share's file in lower-case hex: what its holder confirms. */
  readonly share: string;
  readonly confirmed: boolean;
}

/**
 * `confirmed`: every holder has a share, but not every device answers to the secret. `in-force`: they do. `void`: none
 * does any more, the shares may be destroyed.
 */
export const standings = ["confirmed", "in-force", "void"] as const;
export type Standing = (typeof standings)[number];

export interface KnownSet extends ShareSet {
  readonly standing: Standing;
  /** Fingerprints of the SSH keys that the shares were made for, by index; empty where that is not known, or no longer of use. */
  readonly holders: readonly string[];
}

export const outcomes = ["done", "failed", "void"] as const;

export interface LastOutcome {
  readonly at: Date;
  /** What the holders had named, such as `apply`. */
  readonly intent: string;
  readonly outcome: (typeof outcomes)[number];
  /** For the holders, one sentence. */
  readonly message: string;
}

export const emptyState: CeremonyState = { pending: undefined, sets: [], last: undefined };

/** Some hundred holders. */
const maxBytes = 256 * 1024;

/** The state in the file at `path`; an empty one if it is missing, as after each boot. Throws HostError (state-unusable). */
export function readCeremonyState(path: string, owners: readonly number[]): CeremonyState {
  let bytes: Uint8Array;
  try {
    bytes = readSafeFile(path, { maxBytes, owners, mode: "readable" });
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "file-missing") return emptyState;
    throw unusable(path, thrown);
  }
  return parseCeremonyState(bytes, path);
}

/** Throws HostError (state-unusable). */
export function parseCeremonyState(bytes: Uint8Array, path: string): CeremonyState {
  try {
    const whole = members(JSON.parse(fromUtf8(bytes)), ["version", "pending", "sets", "last"]);
    if (whole["version"] !== 1) throw new TypeError("version is not 1");
    return {
      pending: whole["pending"] === null ? undefined : pendingIn(whole["pending"]),
      sets: list(whole["sets"]).map(knownSetIn),
      last: whole["last"] === null ? undefined : lastIn(whole["last"]),
    };
  } catch (cause) {
    throw unusable(path, cause);
  }
}

export function encodeCeremonyState({ pending, sets, last }: CeremonyState): Uint8Array {
  const document = { version: 1, pending: pending ?? null, sets, last: last ?? null };
  return toUtf8(`${JSON.stringify(document, undefined, 2)}\n`);
}

const fingerprint = /^SHA256:[A-Za-z0-9+/]{43}$/;
const setMembers = ["set", "iteration", "threshold", "numberOfShares", "digest"] as const;

function pendingIn(value: unknown): PendingSet {
  const found = members(value, [...setMembers, "deadline", "holders"]);
  return { ...setIn(found), deadline: date(found["deadline"]), holders: list(found["holders"]).map(holderIn) };
}

function holderIn(value: unknown): Holder {
  const found = members(value, ["user", "fingerprint", "share", "confirmed"]);
  const confirmed = found["confirmed"];
  if (typeof confirmed !== "boolean") throw new TypeError("confirmed is neither true nor false");
  return {
    user: text(found["user"], /^[a-z_][a-z0-9_-]{0,30}$/),
    fingerprint: text(found["fingerprint"], fingerprint),
    share: text(found["share"], /^[0-9a-f]{64}$/),
    confirmed,
  };
}

function knownSetIn(value: unknown): KnownSet {
  const found = members(value, [...setMembers, "standing", "holders"]);
  const holders = list(found["holders"]).map((holder) => text(holder, fingerprint));
  return { ...setIn(found), standing: oneOf(found["standing"], standings), holders };
}

function lastIn(value: unknown): LastOutcome {
  const found = members(value, ["at", "intent", "outcome", "message"]);
  return {
    at: date(found["at"]),
    intent: text(found["intent"], /^[a-z0-9 -]{1,100}$/),
    outcome: oneOf(found["outcome"], outcomes),
    message: text(found["message"], /^\P{Cc}{0,4096}$/u),
  };
}

function setIn(found: Readonly<Record<string, unknown>>): ShareSet {
  return {
    set: text(found["set"], /^[0-9a-f]{32}$/),
    iteration: count(found["iteration"]),
    threshold: count(found["threshold"]),
    numberOfShares: count(found["numberOfShares"]),
    digest: text(found["digest"], /^[0-9a-f]{64}$/),
  };
}

function date(value: unknown): Date {
  const found = new Date(text(value, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/));
  if (Number.isNaN(found.getTime())) throw new TypeError(`${JSON.stringify(value)} is no time`);
  return found;
}

function unusable(path: string, cause: unknown): HostError {
  return new HostError("state-unusable", `${path} cannot be used: ${messageOf(cause)}`, {
    cause,
    hint: "put back a copy of it; without one, sets of shares are unknown until their shares are handed in",
  });
}
