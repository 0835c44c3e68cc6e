import { createReadStream, openSync } from "node:fs";
import type { Readable } from "node:stream";
import { CommandError } from "@signstar/command/errors";
import { lines } from "@signstar/command/lines";
import { systemCode } from "@signstar/host/errors";
import { messageOf } from "@signstar/primitives/failure";
import { AuditError } from "./errors.ts";
import { maxLineBytes } from "./line.ts";

/** The lines of files, one after the other; `-` is `stdin`. Throws AuditError: source-missing, source-unreadable. */
export async function* fileLines(files: readonly string[], stdin: () => Readable): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const stream = file === "-" ? stdin() : openFile(file);
    try {
      yield* lines(stream, { bytes: maxLineBytes });
    } catch (thrown) {
      throw thrown instanceof CommandError && file !== "-" ? unreadable(file, thrown.cause) : thrown;
    } finally {
      stream.destroy();
    }
  }
}

function openFile(file: string): Readable {
  try {
    return createReadStream(file, { fd: openSync(file, "r") });
  } catch (cause) {
    if (systemCode(cause) !== "ENOENT") throw unreadable(file, cause);
    throw new AuditError("source-missing", `${file} does not exist`, { cause });
  }
}

function unreadable(file: string, cause: unknown): AuditError {
  return new AuditError("source-unreadable", `${file} cannot be read: ${messageOf(cause)}`, { cause });
}
