import type { Io } from "@signstar/command/io";
import { ApplianceError } from "./errors.ts";

/** Payload that a client must take: one that takes nothing for `stallMs` is gone. Throws ApplianceError (74). */
export async function send(io: Pick<Io, "stream">, payload: string | Uint8Array, stallMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `the client has taken nothing for ${stallMs / 1000} s`;
      reject(new ApplianceError("client-stalled", message, { clientSafe: true }));
    }, stallMs);
  });
  try {
    await Promise.race([io.stream(payload), stalled]);
  } finally {
    clearTimeout(timer);
  }
}
