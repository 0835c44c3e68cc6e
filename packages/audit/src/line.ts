/**
 * One line of what is read: an entry of the journal as `journalctl -o json` writes it, or our own JSON as a log host
 * keeps it, bare or behind what syslog puts in front.
 */
import { fromUtf8 } from "@signstar/primitives/bytes";
import { type Entry, MalformedEntry, readEntry } from "./entry.ts";
import { isProgram, programs } from "./programs.ts";

/** What journald itself says of an entry: whoever writes it cannot make these up. systemd.journal-fields(7). */
export interface Origin {
  readonly uid: number | undefined;
  readonly transport: string | undefined;
  /** Of the connection that the entry came through, and of the boot. */
  readonly stream: string | undefined;
  readonly program: string;
  readonly cursor: string | undefined;
}

export interface JournalRecord {
  readonly entry: Entry;
  /** Milliseconds since 1970, by journald's or syslog's clock. */
  readonly at: number | undefined;
  /** Undefined for a line that only claims to be of the journal. */
  readonly origin: Origin | undefined;
}

/** `malformed`: it is written under one of our names, or looks like an entry of ours, and is none. */
export type Line =
  | { readonly kind: "record"; readonly record: JournalRecord }
  | { readonly kind: "malformed"; readonly origin: Origin | undefined }
  | { readonly kind: "other" };

/** An entry has a dozen fields of 1 KiB at most; journald adds some of its own. */
export const maxLineBytes = 256 * 1024;

export function readLine(bytes: Uint8Array): Line {
  if (bytes.length > maxLineBytes) return { kind: "malformed", origin: undefined };
  const text = textOf(bytes);
  const start = text?.indexOf("{") ?? -1;
  if (text === undefined || start === -1) return { kind: "other" };
  const value = jsonOf(text.slice(start));
  if (!isObject(value)) return { kind: "other" };
  if (Object.hasOwn(value, "MESSAGE")) return fromJournal(value);
  const prefix = text.slice(0, start);
  // Whatever other programs log may end with what somebody has sent them.
  if (prefix.trim() !== "" && !programs.some((program) => prefix.includes(program))) return { kind: "other" };
  return bare(value, stampOf(prefix));
}

function fromJournal(fields: Readonly<Record<string, unknown>>): Line {
  const program = textField(fields, "SYSLOG_IDENTIFIER");
  if (program === undefined || !isProgram(program)) return { kind: "other" };
  const [stream, boot] = [textField(fields, "_STREAM_ID"), textField(fields, "_BOOT_ID")];
  const origin: Origin = {
    uid: numberField(fields, "_UID"),
    transport: textField(fields, "_TRANSPORT"),
    stream: stream === undefined ? undefined : `${boot ?? ""} ${stream}`,
    program,
    cursor: textField(fields, "__CURSOR"),
  };
  const message = messageOf(fields["MESSAGE"]);
  const micros = numberField(fields, "__REALTIME_TIMESTAMP");
  const at = micros === undefined ? undefined : Math.floor(micros / 1000);
  return entryIn(message === undefined ? undefined : jsonOf(message), at, origin) ?? { kind: "malformed", origin };
}

function bare(value: Readonly<Record<string, unknown>>, at: number | undefined): Line {
  return entryIn(value, at, undefined) ?? { kind: "other" };
}

function entryIn(value: unknown, at: number | undefined, origin: Origin | undefined): Line | undefined {
  try {
    const entry = readEntry(value);
    return entry === undefined ? undefined : { kind: "record", record: { entry, at, origin } };
  } catch (thrown) {
    if (!(thrown instanceof MalformedEntry)) throw thrown;
    return { kind: "malformed", origin };
  }
}

/** A field is text; a list of bytes if it is not printable, and a list of texts if there are several of that name. */
function messageOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const bytes = value.filter((byte): byte is number => typeof byte === "number" && Number.isInteger(byte));
  return bytes.length === value.length ? textOf(Uint8Array.from(bytes)) : undefined;
}

function textField(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === "string" ? value : undefined;
}

function numberField(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const text = textField(fields, name);
  return text !== undefined && /^[0-9]{1,16}$/.test(text) ? Number(text) : undefined;
}

/** RFC 3339, as RFC 5424 and today's syslog daemons put it in front. One without a year is of no use. */
function stampOf(prefix: string): number | undefined {
  const stamp = /(?:^|[\s>])(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))(?:\s|$)/.exec(
    prefix,
  )?.[1];
  const at = stamp === undefined ? Number.NaN : Date.parse(stamp);
  return Number.isNaN(at) ? undefined : at;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch {
    return undefined;
  }
}
