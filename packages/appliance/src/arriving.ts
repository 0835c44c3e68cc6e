import type { Readable } from "node:stream";
import { messageOf } from "@signstar/primitives/failure";
import { ApplianceError } from "./errors.ts";

/** How long and how slow an upload may be. */
export interface Pace {
  readonly maxBytes: number;
  /** Longest silence. */
  readonly idleMs: number;
  /** After this time the average has to be `bytesPerSecond` at least. */
  readonly graceMs: number;
  readonly bytesPerSecond: number;
}

/** A client that sends less is stuck or wants to hold a place. */
export const usualPace = { idleMs: 30_000, graceMs: 60_000, bytesPerSecond: 16 * 1024 } as const;

/**
 * What a client sends, piece by piece, no faster than it is read. Throws ApplianceError: nothing-sent, too-large,
 * too-slow, cut-off; all of them may be shown to the client.
 */
export async function* arriving(stdin: Readable, pace: Pace): AsyncGenerator<Uint8Array, void, undefined> {
  const { maxBytes, idleMs, graceMs, bytesPerSecond } = pace;
  let bytes = 0;
  let waited = 0;
  const pieces = stdin[Symbol.asyncIterator]();
  for (;;) {
    const began = performance.now();
    const next = await within(pieces.next(), idleMs);
    waited += performance.now() - began;
    if (next.done === true) break;
    const piece: Uint8Array = typeof next.value === "string" ? Buffer.from(next.value) : next.value;
    bytes += piece.length;
    if (bytes > maxBytes) throw refusal("too-large", `the file is larger than ${maxBytes} bytes`);
    // Our own slowness (the disk's) is not the client's.
    if (waited > graceMs && (bytes / waited) * 1000 < bytesPerSecond) {
      throw refusal("too-slow", `the file came slower than ${bytesPerSecond} bytes per second`);
    }
    yield piece;
  }
  if (bytes === 0) throw refusal("nothing-sent", "no file was sent", undefined, "send it over standard input");
}

async function within<T>(piece: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refusal("too-slow", `nothing was sent for ${ms / 1000} s`)), ms);
  });
  const arrived = piece.catch((cause: unknown) => {
    throw refusal("cut-off", `standard input cannot be read: ${messageOf(cause)}`, cause);
  });
  try {
    return await Promise.race([arrived, silence]);
  } finally {
    clearTimeout(timer);
  }
}

function refusal(
  code: "nothing-sent" | "too-large" | "too-slow" | "cut-off",
  message: string,
  cause?: unknown,
  hint?: string,
): ApplianceError {
  return new ApplianceError(code, message, { clientSafe: true, cause, hint });
}
