import type { Readable } from "node:stream";
import { CommandError } from "./errors.ts";

export interface LineLimits {
  /** Of a longer line only the first `bytes` + 1 are kept, so that its reader sees that it is too long. */
  readonly bytes: number;
  /** The longest wait for more input; without it, for ever. */
  readonly idleMs?: number;
}

/** The lines of a stream without their newlines, the last one with or without. Throws CommandError (66, 74). */
export async function* lines(stream: Readable, limits: LineLimits): AsyncGenerator<Uint8Array> {
  const line = new Line(limits.bytes + 1);
  for await (const chunk of chunks(stream, limits.idleMs)) {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      line.add(rest.subarray(0, end));
      yield line.take();
      rest = rest.subarray(end + 1);
    }
    line.add(rest);
  }
  if (line.length > 0) yield line.take();
}

class Line {
  readonly #max: number;
  #parts: Uint8Array[] = [];
  length = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(bytes: Uint8Array): void {
    const part = bytes.subarray(0, this.#max - this.length);
    if (part.length === 0) return;
    this.#parts.push(part);
    this.length += part.length;
  }

  take(): Uint8Array {
    const whole = new Uint8Array(Buffer.concat(this.#parts));
    this.#parts = [];
    this.length = 0;
    return whole;
  }
}

async function* chunks(stream: Readable, idleMs: number | undefined): AsyncGenerator<Uint8Array> {
  const iterator: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  for (;;) {
    // The clock runs only while we wait for the client, not while the client waits for us.
    const timer = idleMs === undefined ? undefined : setTimeout(() => stream.destroy(silent(idleMs)), idleMs);
    try {
      const { done, value } = await iterator.next();
      if (done === true) return;
      yield value;
    } catch (cause) {
      if (cause instanceof CommandError) throw cause;
      throw new CommandError("input-unreadable", "standard input cannot be read", { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

function silent(idleMs: number): CommandError {
  return new CommandError("input-too-slow", `standard input was silent for ${idleMs / 1000} s`);
}
