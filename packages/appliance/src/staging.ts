import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { HostError } from "@signstar/host/errors";
import { StagedFile } from "@signstar/host/staging";
import { arriving, type Pace } from "./arriving.ts";
import { ApplianceError } from "./errors.ts";

export interface Staged {
  /** SHA-256 in hex: what the file is called by whoever decides that it is used. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface StagingRules<T> extends Pace {
  readonly directory: string;
  /** Of the file's name, with its dot. */
  readonly suffix: string;
  /** Reads all of the pieces. What it throws refuses the file. */
  check(pieces: AsyncIterable<Uint8Array>): Promise<T>;
  /** Called when the file is whole, good and on disk, before it gets its name. */
  accepted(staged: Staged, found: T): Promise<void>;
}

/**
 * Takes a file of any length from `stdin` into `directory` as `SHA256SUFFIX`, under that name only when all of it was
 * found good. Returns the names of older files that had to give way. Throws ApplianceError, HostError and what the
 * rules throw.
 */
export async function stage<T>(stdin: Readable, rules: StagingRules<T>): Promise<readonly string[]> {
  try {
    using file = new StagedFile(rules.directory);
    const hash = createHash("sha256");
    let bytes = 0;
    // A piece is written when the check asks for the next one: what it refuses is not written.
    const pieces = async function* () {
      for await (const piece of arriving(stdin, rules)) {
        yield piece;
        hash.update(piece);
        await file.write(piece);
        bytes += piece.length;
      }
    };
    const found = await rules.check(pieces());
    file.sync();
    const sha256 = hash.digest("hex");
    await rules.accepted({ sha256, bytes }, found);
    return file.commit(`${sha256}${rules.suffix}`);
  } catch (thrown) {
    throw forClient(thrown);
  }
}

/** What the client may know of, since it can do something about it or wait. */
export function forClient(thrown: unknown): unknown {
  if (!(thrown instanceof HostError)) return thrown;
  const shown = { cause: thrown, clientSafe: true } as const;
  switch (thrown.code) {
    case "no-room":
      return new ApplianceError("no-room", "there is no room for the file", shown);
    case "too-many-uploads":
      return new ApplianceError("too-many-uploads", "too many uploads of this account are under way", {
        ...shown,
        hint: "wait for them to end",
      });
    default:
      return thrown;
  }
}
