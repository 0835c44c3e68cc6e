/** The head of an HTTP/1.1 answer (RFC 9112 §2 to §6), read strictly: what two readers might understand differently is refused. */
import { Trouble } from "./trouble.ts";

export interface Head {
  readonly status: number;
  /** Empty if there is none. */
  readonly contentType: string;
  /** How the body ends: after so many bytes, with an empty chunk, or with the connection. */
  readonly body: number | "chunked" | "until-close";
  /** How long the connection may lie idle afterwards, in milliseconds; undefined: as long as we like. 0: it ends. */
  readonly idleMs: number | undefined;
}

/** In bytes, the empty line included. */
export const maxHeadBytes = 16 * 1024;

const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;

/** `text` is the head without the empty line, a character a byte. Throws Trouble `bad-answer`. */
export function parseHead(text: string, method: string): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, digits] = statusLine.exec(first) ?? refuse("begins with no status line");
  const fields = fieldsOf(lines);
  const status = Number(digits);
  const bodiless = method === "HEAD" || status === 204 || status === 304;
  const body = bodyOf(fields, minor === "1");
  // Devices send a body to HEAD, old ones with 304 too: what comes late of it would be taken for the next answer.
  const isDoubtful = bodiless && !(status === 204 && body === 0);
  const closes = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(fields.get("connection") ?? "");
  const stays = minor === "1" && !closes && !isDoubtful;
  return {
    status,
    contentType: fields.get("content-type") ?? "",
    body: bodiless ? 0 : body,
    idleMs: stays && body !== "until-close" ? announced(fields.get("keep-alive")) : 0,
  };
}

function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = field.exec(line) ?? refuse("has a header line that is none");
    const key = name.toLowerCase();
    const earlier = fields.get(key);
    if (earlier !== undefined && (key === "content-length" || key === "transfer-encoding")) refuse(`has two of ${key}`);
    fields.set(key, earlier === undefined ? value.trimEnd() : `${earlier}, ${value.trimEnd()}`);
  }
  return fields;
}

function bodyOf(fields: ReadonlyMap<string, string>, isNew: boolean): Head["body"] {
  const length = fields.get("content-length");
  const coding = fields.get("transfer-encoding");
  if (coding !== undefined) {
    if (length !== undefined) refuse("has two lengths");
    return isNew && coding.toLowerCase() === "chunked" ? "chunked" : refuse("has an encoding that nobody asked for");
  }
  if (length === undefined) return "until-close";
  return /^[0-9]{1,15}$/.test(length) ? Number(length) : refuse("has a length that is no number");
}

/** `Keep-Alive: timeout=SECONDS`, a second less: who closes first loses no request. */
function announced(keepAlive: string | undefined): number | undefined {
  const seconds = /(?:^|,)[ \t]*timeout=([0-9]{1,6})/i.exec(keepAlive ?? "")?.[1];
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - 1) * 1000;
}

function refuse(problem: string): never {
  throw new Trouble("bad-answer", `answer is not HTTP: it ${problem}`);
}
