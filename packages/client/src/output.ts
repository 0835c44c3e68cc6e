/** Where signatures go: one target per file, checked before anything is hashed, written whole or not at all. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ClientError } from "./errors.ts";
import { reason, stdinName } from "./source-file.ts";

/** `undefined` is standard output. */
export type Target = string | undefined;

export interface OutputOptions {
  readonly output: string | undefined;
  readonly outputDir: string | undefined;
  readonly armor: boolean;
}

/** The target of each file, in order. Throws ClientError `usage` when two would be the same or one has no name. */
export function planTargets(files: readonly string[], options: OutputOptions): readonly Target[] {
  const { output, outputDir } = options;
  if (output !== undefined && outputDir !== undefined) throw usage("--output and --output-dir exclude each other");
  if (output !== undefined && files.length > 1) {
    throw usage("--output is for one file", "use --output-dir for several");
  }
  if (files.filter((file) => file === stdinName).length > 1) throw usage("standard input can be signed once only");
  const targets = files.map((file) => targetOf(file, options));
  const seen = new Set<string>();
  for (const target of targets) {
    if (target === undefined) continue;
    if (seen.has(target)) throw usage(`two signatures would both be written to ${target}`);
    seen.add(target);
  }
  return targets;
}

function targetOf(file: string, { output, outputDir, armor }: OutputOptions): Target {
  if (output !== undefined) return output === stdinName ? undefined : output;
  if (file === stdinName) {
    if (outputDir !== undefined) throw usage("standard input has no name to write its signature under", "use --output");
    return undefined;
  }
  const name = `${file}${armor ? ".asc" : ".sig"}`;
  return outputDir === undefined ? name : join(outputDir, basename(name));
}

/**
 * Refuses early what would be refused after the work: no directory, something there already, the file itself.
 * Throws ClientError `cannot-create` (73), or `usage` when the signature would overwrite what it signs.
 */
export function checkTarget(target: Target, source: string, force: boolean): void {
  if (target === undefined) return;
  const folder = statSync(dirname(target), { throwIfNoEntry: false });
  if (folder?.isDirectory() !== true) throw cannotCreate(target, "its directory does not exist");
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isFile()) throw cannotCreate(target, "what is there is not a regular file");
  const itself = source === stdinName ? undefined : statSync(source, { throwIfNoEntry: false });
  if (itself?.ino === there.ino && itself.dev === there.dev) throw usage(`${target} is the file to be signed`);
  if (!force) throw exists(target);
}

/**
 * Writes a new file with mode 0666 less the umask: a dot name beside it, fsync, then the name itself. Without `force`
 * a file that appeared meanwhile is left alone. Throws ClientError `cannot-create` (73).
 */
export function writeTarget(target: string, bytes: Uint8Array, force: boolean): void {
  const made = openNew(target, bytes);
  let problem: Error | null = null;
  try {
    fsyncSync(made.fd);
  } catch (error) {
    problem = error instanceof Error ? error : new Error(String(error));
  }
  made.publish(force, problem);
  syncFolder(dirname(target));
}

/** A whole file under a dot name beside its target, to be synced and then published or removed. */
export interface NewFile {
  readonly fd: number;
  /**
   * Closes it and gives it its name, unless syncing it has met a `problem`. Throws ClientError `cannot-create` (73);
   * then nothing is left of it.
   */
  publish(force: boolean, problem: Error | null): void;
  remove(): void;
}

/** Throws ClientError `cannot-create` (73). */
export function openNew(target: string, bytes: Uint8Array): NewFile {
  const temporary = join(dirname(target), `.signstar-${randomBytes(6).toString("hex")}`);
  const orElse = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw error instanceof ClientError ? error : cannotCreate(target, reason(error), error);
    }
  };
  const fd = orElse(() => openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666));
  const remove = (): void => {
    closeSync(fd);
    unlinkSync(temporary);
  };
  orElse(() => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (error) {
      remove();
      throw error;
    }
  });
  return {
    fd,
    remove,
    publish(force, problem) {
      closeSync(fd);
      orElse(() => {
        try {
          if (problem !== null) throw problem;
          publish(temporary, target, force);
        } catch (error) {
          unlinkSync(temporary);
          throw error;
        }
      });
    },
  };
}

function publish(temporary: string, target: string, force: boolean): void {
  if (force) {
    renameSync(temporary, target);
    return;
  }
  try {
    linkSync(temporary, target);
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw exists(target);
    // A file system without hard links: a look before the rename has to do.
    if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw exists(target);
    renameSync(temporary, target);
    return;
  }
  unlinkSync(temporary);
}

/** Throws ClientError `cannot-create` (73). */
export function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // Some network file systems cannot sync a directory; the file itself is safe.
    if (!hasCode(error, "EINVAL")) throw cannotCreate(folder, reason(error), error);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function usage(message: string, hint?: string): ClientError {
  return new ClientError("usage", message, { hint });
}

function exists(target: string): ClientError {
  return new ClientError("cannot-create", `${target} exists already`, { hint: "--force overwrites it" });
}

function cannotCreate(target: string, why: string, cause?: unknown): ClientError {
  return new ClientError("cannot-create", `${target} cannot be written: ${why}`, { cause });
}
