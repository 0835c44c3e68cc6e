/** One run of the server's program, however the bytes travel. */
import { ClientError } from "./errors.ts";
import type { RemoteEnd } from "./exchange.ts";

/** Opened at once; that there is no connection shows in `ended`. */
export interface Link {
  /** Resolves when there is room for more, or when nothing will be read any more. */
  send(text: string): Promise<void>;
  /** Nothing more will be sent. */
  finish(): void;
  /** What the program writes on its standard output, read once and no faster than it is asked for. */
  readonly output: AsyncIterable<Uint8Array>;
  /** When all is over. Rejects with ClientError if there was no connection, or it broke. */
  readonly ended: Promise<RemoteEnd>;
  /** Ends whatever there is. */
  close(): void;
}

/** With what the client asks the server's program for, in its words; empty for nothing more than a session. */
export type OpenLink = (words: string) => Link;

/** The lines of a link's output. Throws ClientError `bad-answer` for one of more than `max` bytes, or cut off. */
export async function* linesOf(output: AsyncIterable<Uint8Array>, max: number, host: string) {
  let parts: Uint8Array[] = [];
  let length = 0;
  const add = (bytes: Uint8Array): void => {
    length += bytes.length;
    if (length > max) throw new ClientError("bad-answer", `${host} sent a line of more than ${max} bytes`);
    parts.push(bytes);
  };
  for await (const chunk of output) {
    let rest = chunk;
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
      add(rest.subarray(0, end));
      yield new Uint8Array(Buffer.concat(parts));
      parts = [];
      length = 0;
      rest = rest.subarray(end + 1);
    }
    // Copied: what is kept must not keep the whole chunk.
    if (rest.length > 0) add(rest.slice());
  }
  if (length > 0) throw new ClientError("bad-answer", `${host} ended in the middle of an answer`);
}

const newline = 0x0a;
