import type { Io } from "@signstar/command/io";
import type { HashedFile } from "@signstar/hash-state/hash-file";
import { Progress } from "./progress.ts";
import { hashSource, sizeHint } from "./source-file.ts";

/** Hashes one file, with the progress line where there is a terminal. Throws ClientError as `hashSource` does. */
export async function hashShown(file: string, io: Pick<Io, "status">): Promise<HashedFile> {
  const progress = new Progress([sizeHint(file)], (line) => io.status(line), performance.now.bind(performance));
  progress.begin(file);
  try {
    return await hashSource(file, (bytes) => progress.hashed(bytes));
  } finally {
    progress.pause();
  }
}
