import type { Writable } from "node:stream";

/**
 * Resolves when the stream has room for more, or is closed: that it is, its owner learns elsewhere. What comes in one
 * turn of the event loop leaves together.
 */
export function writeTo(stream: Writable, text: string): Promise<void> {
  if (!stream.writable) return Promise.resolve();
  if (stream.writableCorked === 0) {
    stream.cork();
    setImmediate(() => stream.uncork());
  }
  if (stream.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done).off("error", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
  });
}
