import type { Writable } from "node:stream";

/** Resolves when the stream has room for more, or is closed: that it is, its owner learns elsewhere. */
export function writeTo(stream: Writable, text: string): Promise<void> {
  if (!stream.writable || stream.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done).off("error", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
  });
}
