import { trustedOwners } from "@signstar/host/caller";
import { HostError } from "@signstar/host/errors";
import { streamSafeFile } from "@signstar/host/safe-file";
import { ApplianceError } from "./errors.ts";

/**
 * The backup that signstar-configure has kept for a user, to be read piece by piece. Throws ApplianceError (66) if
 * there is none and HostError if the file is not one of root's.
 */
export function keptBackup(path: string, root: string): { pieces: AsyncIterable<Uint8Array>; size: number } {
  try {
    return streamSafeFile(path, { owners: trustedOwners(root), mode: "readable" });
  } catch (cause) {
    if (!(cause instanceof HostError) || cause.code !== "file-missing") throw cause;
    throw new ApplianceError("no-kept-backup", "there is no kept backup yet", {
      hint: "one is kept after each change; without a command you get a fresh one",
      cause,
      clientSafe: true,
    });
  }
}
