/**
 * A file that was uploaded, and that somebody has named by its SHA-256. It lies in a directory of its uploader's, who can
 * change it at any moment: it is read once, into a copy of our own, and only that is looked at and used.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { SystemUserId } from "@signstar/config/system-user";
import { clearDirectory, removeFile, writeStreamAtomic } from "@signstar/host/atomic-file";
import { HostError, systemCode } from "@signstar/host/errors";
import { streamSafeFile } from "@signstar/host/safe-file";
import type { FileSource } from "@signstar/nethsm/system";
import { ConfigureError } from "../errors.ts";
import type { Site } from "../site.ts";

const kinds = {
  backup: { mapping: "backup-upload", suffix: ".bkp", limit: "uploadLimitBackup" },
  update: { mapping: "update-upload", suffix: ".update", limit: "uploadLimitUpdate" },
} as const;

export interface Staged {
  /** The content, from its beginning each time. */
  open(): FileSource & { readonly size: number };
  /** It has served its purpose: removes what was uploaded. */
  discard(): void;
}

/**
 * Lends the file to `work`. Throws ConfigureError (no-staged-file, unfit-file), HostError.
 *
 * @param sha256 64 hexadecimal digits, as the holders have named it
 */
export async function withStaged<T>(
  site: Site,
  kind: keyof typeof kinds,
  sha256: string,
  work: (file: Staged) => Promise<T>,
): Promise<T> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new ConfigureError("no-staged-file", `${sha256} is no SHA-256`);
  const { paths, owner } = site.place;
  // Nothing but one file is in use at a time: what is there was left by a run that was killed.
  clearDirectory(paths.staging.inUse, 0o700);
  const copy = join(paths.staging.inUse, `${sha256}${kinds[kind].suffix}`);
  try {
    const found = await takeCopy(site, kind, { sha256, copy });
    return await work({
      open() {
        const { size, pieces } = streamSafeFile(copy, { owners: [owner.uid], mode: "private" });
        return { size, chunks: pieces };
      },
      discard: () => removeUpload(found),
    });
  } finally {
    clearDirectory(paths.staging.inUse, 0o700);
  }
}

/** What its uploader has put in its place meanwhile is no hindrance: a directory is nothing that could be used again. */
function removeUpload(path: string): void {
  try {
    removeFile(path);
  } catch (thrown) {
    if (!(thrown instanceof HostError) || systemCode(thrown.cause) !== "ERR_FS_EISDIR") throw thrown;
  }
}

/** Returns where the original is. What cannot be used in one place does not hinder a good file in another. */
async function takeCopy(
  site: Site,
  kind: keyof typeof kinds,
  { sha256, copy }: { readonly sha256: string; readonly copy: string },
): Promise<string> {
  const { mapping, suffix } = kinds[kind];
  const problems: string[] = [];
  for (const each of site.config.mappings) {
    if (each.kind !== mapping) continue;
    const path = join(site.place.paths.staging[kind], each.systemUser, `${sha256}${suffix}`);
    try {
      await copyFile(site, kind, { path, owner: each.systemUser, sha256, copy });
      return path;
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      // Those who read it over SSH need not know where it is.
      if (thrown.code !== "file-missing") problems.push(thrown.message.replace(path, `that of ${each.systemUser}`));
    }
  }
  if (problems.length > 0) {
    throw new ConfigureError("unfit-file", `the ${kind} ${sha256} cannot be used: ${problems.join("; ")}`, {
      hint: "upload it again",
    });
  }
  throw new ConfigureError("no-staged-file", `no ${kind} with the SHA-256 ${sha256} is staged`, {
    hint: "upload it, and name the SHA-256 that the receipt shows",
  });
}

async function copyFile(
  { place, config }: Site,
  kind: keyof typeof kinds,
  file: { readonly path: string; readonly owner: SystemUserId; readonly sha256: string; readonly copy: string },
): Promise<void> {
  const { path } = file;
  const limit = config.appliance[kinds[kind].limit];
  const { size, pieces } = streamSafeFile(path, { owners: [place.user(file.owner).uid], mode: "private" });
  const hash = createHash("sha256");
  let bytes = 0;
  await writeStreamAtomic(file.copy, { mode: 0o600, ...place.owner }, async (write) => {
    for await (const piece of pieces) {
      bytes += piece.length;
      // It can grow while it is read.
      if (bytes > limit) throw new HostError("file-too-large", `${path} is longer than ${limit} bytes`);
      hash.update(piece);
      write(piece);
    }
    if (hash.digest("hex") !== file.sha256) {
      throw new HostError("file-unsafe", `${path} is not what its name says: its ${size} bytes have another SHA-256`);
    }
  });
}
