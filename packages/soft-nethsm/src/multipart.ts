/** multipart/form-data (RFC 7578) with the whole body at hand. */
import { Refusal } from "./http.ts";
import { mediaParameter } from "./media.ts";

export interface Part {
  readonly name: string;
  readonly content: Uint8Array;
}

/** The parts in the order in which they came. Throws Refusal 400. */
export function readParts(body: Uint8Array, contentType: string): readonly Part[] {
  const boundary = mediaParameter(contentType, "boundary");
  if (boundary === undefined || boundary === "" || boundary.length > 200) throw malformed("no boundary");
  const data = Buffer.from(body.buffer, body.byteOffset, body.length);
  // Every delimiter follows a line break; the first may also begin the body.
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: Part[] = [];
  let at = data.indexOf(delimiter.subarray(2)) === 0 ? delimiter.length - 2 : after(data, delimiter, 0);
  while (data.toString("latin1", at, at + 2) !== "--") {
    const start = data.indexOf("\r\n", at);
    const end = start === -1 ? -1 : data.indexOf(delimiter, start);
    if (end === -1) throw malformed("a part does not end");
    parts.push(readPart(data.subarray(start + 2, end)));
    at = end + delimiter.length;
  }
  return parts;
}

function after(data: Buffer, delimiter: Buffer, from: number): number {
  const found = data.indexOf(delimiter, from);
  if (found === -1) throw malformed("the boundary does not occur");
  return found + delimiter.length;
}

function readPart(part: Buffer): Part {
  const end = part.indexOf("\r\n\r\n");
  if (end === -1) throw malformed("a part has no header");
  const headers = part.toString("utf8", 0, end).split("\r\n");
  const disposition = headers.find((line) => /^content-disposition:/i.test(line)) ?? "";
  const name = mediaParameter(disposition, "name");
  if (name === undefined) throw malformed("a part has no name");
  // A view, because the file of a restore is too large to have it twice.
  return { name, content: new Uint8Array(part.buffer, part.byteOffset + end + 4, part.length - end - 4) };
}

function malformed(why: string): Refusal {
  return new Refusal(400, `Invalid multipart data: ${why}.`);
}
