import { closeSync, constants, fsyncSync, lstatSync, openSync, readdirSync, renameSync, rmSync, write } from "node:fs";
import { messageOf } from "@signstar/primitives/failure";
import { syncDirectory } from "./atomic-file.ts";
import { effectiveUid } from "./caller.ts";
import { HostError, systemCode } from "./errors.ts";
import { isOfLiving, marker } from "./living.ts";

/** Together they bound what one user can fill. */
export interface StagingBounds {
  /** Files of one directory that wait at a time; the oldest give way. */
  readonly staged: number;
  readonly underWay: number;
}

const usualBounds: StagingBounds = { staged: 3, underWay: 3 };

/** For small files, of which whoever writes them counts how many there may be. */
export const noBounds: StagingBounds = { staged: Number.POSITIVE_INFINITY, underWay: Number.POSITIVE_INFINITY };

/**
 * A file on its way into a directory of the caller's: a dot file until `commit`, and gone without one. What a killed
 * process has left, the next one removes. Throws HostError: staging-unusable, too-many-uploads, no-room, write-failed.
 */
export class StagedFile implements Disposable {
  readonly #directory: string;
  readonly #temporary: string;
  readonly #fd: number;
  readonly #staged: number;

  constructor(directory: string, { staged, underWay }: StagingBounds = usualBounds) {
    this.#directory = directory;
    this.#staged = staged;
    this.#temporary = `${directory}/.${marker()}${partSuffix}`;
    requireOwnDirectory(directory);
    this.#fd = this.#try(() => {
      for (const { name, living } of partsIn(directory)) if (!living) rmSync(`${directory}/${name}`, { force: true });
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      return openSync(this.#temporary, flags, 0o600);
    });
    // Counted only now, so that of those that come at the same time none is overlooked.
    if (partsIn(directory).filter(({ living }) => living).length > underWay) {
      this[Symbol.dispose]();
      throw new HostError("too-many-uploads", `${underWay} uploads into ${directory} are under way`);
    }
  }

  async write(piece: Uint8Array): Promise<void> {
    try {
      for (let offset = 0; offset < piece.length; ) offset += await writeSome(this.#fd, piece.subarray(offset));
    } catch (cause) {
      throw writeFailed(this.#directory, cause);
    }
  }

  /** To be called before the file is announced: its content is on disk then. */
  sync(): void {
    this.#try(() => fsyncSync(this.#fd));
  }

  /** Gives the file its name, durably; the oldest of too many leave. Returns the names of those. */
  commit(name: string): readonly string[] {
    return this.#try(() => {
      renameSync(this.#temporary, `${this.#directory}/${name}`);
      const removed = oldestBeside(this.#directory, name, this.#staged);
      for (const each of removed) rmSync(`${this.#directory}/${each}`, { force: true });
      syncDirectory(this.#directory);
      return removed;
    });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    rmSync(this.#temporary, { force: true });
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw writeFailed(this.#directory, cause);
    }
  }
}

const partSuffix = ".part";

function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

/** Throws HostError (staging-unusable) unless the directory is the caller's, and nobody else can write into it. */
export function requireOwnDirectory(directory: string): void {
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  const fail = (problem: string) => {
    throw new HostError("staging-unusable", `${directory} ${problem}`, {
      hint: "systemd-tmpfiles makes it from what signstar-configure-build writes",
    });
  };
  if (stats === undefined) fail("does not exist");
  else if (!stats.isDirectory()) fail("is not a directory");
  else if (stats.uid !== effectiveUid()) fail(`belongs to uid ${stats.uid}`);
  else if ((stats.mode & 0o022) !== 0) fail("can be written by others");
}

function partsIn(directory: string): readonly { name: string; living: boolean }[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(".") && name.endsWith(partSuffix))
    .map((name) => ({ name, living: isOfLiving(name.slice(1, -partSuffix.length)) }));
}

function oldestBeside(directory: string, newest: string, staged: number): readonly string[] {
  return readdirSync(directory)
    .filter((name) => !name.startsWith(".") && name !== newest)
    .map((name) => ({ name, at: lstatSync(`${directory}/${name}`, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .toSorted((a, b) => b.at - a.at)
    .slice(staged - 1)
    .map(({ name }) => name);
}

export function writeFailed(directory: string, cause: unknown): HostError {
  const full = ["ENOSPC", "EDQUOT"].includes(systemCode(cause) ?? "");
  return new HostError(full ? "no-room" : "write-failed", `${directory}: cannot be written: ${messageOf(cause)}`, {
    cause,
  });
}
