/** Files that are under their name whole or not at all, and on disk before anybody relies on them. */
import { constants, linkSync, lstatSync, readlinkSync, renameSync, statSync, unlinkSync } from "node:fs";
import { type FileHandle, open, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { messageOf } from "@signstar/primitives/failure";
import { SettingsError } from "./errors.ts";

export interface WriteOptions {
  /** Exactly this; absent: 0666 less the umask. */
  readonly mode?: number;
  /** Whether a file of this name may be replaced. */
  readonly force: boolean;
  /** One writer at a time: `create` throws `settings-busy` (75) while another has the file. */
  readonly alone?: boolean;
}

/** Refuses early what would be refused after the work. Throws SettingsError `file-exists`, `file-not-written` (73). */
export function requireWritable(path: string, force: boolean): void {
  if (path === "") throw new SettingsError("file-not-written", "the name of the output file is empty");
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (folder?.isDirectory() !== true) throw notWritten(path, "its directory does not exist");
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!force) throw exists(path);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) throw notWritten(path, "it is a directory");
}

/** Throws SettingsError `file-exists` or `file-not-written` (73). */
export async function writeFileAtomic(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  await using file = await AtomicFile.create(path, options);
  await file.write(bytes);
  await file.commit();
}

/**
 * Writes to what has no content that could be replaced: /dev/null, a pipe of the shell's. False, and nothing is written,
 * if that is something else. Throws SettingsError `file-not-written` (73).
 */
export async function writeThrough(path: string, bytes: Uint8Array): Promise<boolean> {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isCharacterDevice() !== true && there?.isFIFO() !== true) return false;
  try {
    await writeFile(path, bytes);
    return true;
  } catch (cause) {
    throw notWritten(path, messageOf(cause), cause);
  }
}

const endings = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** A file of any length: nothing of it is under its name before `commit`, and without that nothing stays. */
export class AtomicFile implements AsyncDisposable {
  /** What is written so far, until `commit`. */
  readonly temporary: string;
  readonly #target: string;
  readonly #force: boolean;
  readonly #handle: FileHandle;
  readonly #interrupted: NodeJS.SignalsListener;
  #done = false;

  private constructor(target: string, temporary: string, force: boolean, handle: FileHandle) {
    this.#target = target;
    this.temporary = temporary;
    this.#force = force;
    this.#handle = handle;
    // Whoever ends the program while it writes finds nothing left, and the program ends by that signal.
    this.#interrupted = (signal) => {
      this.#remove();
      process.kill(process.pid, signal);
    };
    for (const signal of endings) process.once(signal, this.#interrupted);
  }

  static async create(path: string, { mode, force, alone }: WriteOptions): Promise<AtomicFile> {
    requireWritable(path, force);
    const target = throughLinks(path);
    const ending = alone === true ? "lock" : globalThis.crypto.randomUUID().slice(0, 8);
    const temporary = join(dirname(target), `.${basename(target)}.${ending}`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    try {
      const handle = await open(temporary, flags, mode ?? 0o666);
      if (mode !== undefined) await handle.chmod(mode);
      return new AtomicFile(target, temporary, force, handle);
    } catch (cause) {
      if (alone === true && cause instanceof Error && "code" in cause && cause.code === "EEXIST") {
        throw new SettingsError("settings-busy", `another program is changing ${path}`, {
          hint: `try again; if there is none, one was killed: remove ${temporary}`,
        });
      }
      throw notWritten(path, messageOf(cause), cause);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
    } catch (cause) {
      throw notWritten(this.#target, messageOf(cause), cause);
    }
  }

  async commit(): Promise<void> {
    try {
      await this.#handle.sync();
      publish(this.temporary, this.#target, this.#force);
      this.#done = true;
      await syncDirectory(dirname(this.#target));
    } catch (cause) {
      throw cause instanceof SettingsError ? cause : notWritten(this.#target, messageOf(cause), cause);
    }
  }

  /** Without `commit` before, removes what was written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    this.#remove();
  }

  #remove(): void {
    for (const signal of endings) process.off(signal, this.#interrupted);
    if (!this.#done) unlinkSync(this.temporary);
    this.#done = true;
  }
}

function publish(temporary: string, target: string, force: boolean): void {
  const there = statSync(target, { throwIfNoEntry: false });
  if (force && there !== undefined && !there.isFile()) throw notWritten(target, "it is not a regular file");
  if (force) {
    renameSync(temporary, target);
    return;
  }
  try {
    linkSync(temporary, target);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw exists(target);
    // A file system without hard links: a look before the rename has to do.
    if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw exists(target);
    renameSync(temporary, target);
    return;
  }
  unlinkSync(temporary);
}

/** The file that a chain of symbolic links leads to, which need not exist. */
function throughLinks(path: string): string {
  let target = path;
  for (let links = 0; lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true; links += 1) {
    if (links === 40) throw notWritten(path, "there are too many symbolic links");
    target = resolve(dirname(target), readlinkSync(target));
  }
  return target;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a directory; the file itself is safe.
    if (!(error instanceof Error && "code" in error && error.code === "EINVAL")) throw error;
  } finally {
    await handle.close();
  }
}

function exists(path: string): SettingsError {
  return new SettingsError("file-exists", `${path} exists already`, { hint: "--force overwrites it" });
}

function notWritten(path: string, why: string, cause?: unknown): SettingsError {
  return new SettingsError("file-not-written", `${path} cannot be written: ${why}`, { cause });
}
