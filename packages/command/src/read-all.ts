import type { Readable } from "node:stream";
import { messageOf } from "@signstar/primitives/failure";
import { CommandError } from "./errors.ts";

export interface InputLimit {
  readonly bytes: number;
  readonly deadlineMs: number;
}

/**
 * All of a stream, if it ends within the limit. The stream is destroyed in any case, so that nothing keeps waiting on
 * it. Throws CommandError: input-too-long, input-too-slow, input-unreadable.
 */
export function readAll(stream: Readable, limit: InputLimit): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const timer = setTimeout(() => {
      fail(new CommandError("input-too-slow", `standard input did not end within ${limit.deadlineMs / 1000} s`));
    }, limit.deadlineMs);

    const fail = (error: CommandError): void => {
      clearTimeout(timer);
      stream.off("data", onData);
      stream.destroy();
      reject(error);
    };
    const onData = (chunk: Uint8Array | string): void => {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      length += bytes.length;
      if (length > limit.bytes) {
        fail(new CommandError("input-too-long", `standard input is longer than ${limit.bytes} bytes`));
        return;
      }
      chunks.push(bytes);
    };

    stream.on("data", onData);
    stream.once("end", () => {
      clearTimeout(timer);
      stream.destroy();
      resolve(new Uint8Array(Buffer.concat(chunks)));
    });
    stream.once("error", (cause) => {
      fail(new CommandError("input-unreadable", `standard input cannot be read: ${messageOf(cause)}`, { cause }));
    });
    stream.once("close", () => {
      // After "end" and after a failure this rejects a settled promise, which does nothing.
      fail(new CommandError("input-unreadable", "standard input was closed before its end"));
    });
  });
}
