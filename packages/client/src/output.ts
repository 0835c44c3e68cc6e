/** Where signatures go: one target per file, checked before anything is hashed. */
import { lstatSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ClientError } from "./errors.ts";
import { cannotCreate, exists } from "./new-file.ts";
import { stdinName } from "./source-file.ts";

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

function usage(message: string, hint?: string): ClientError {
  return new ClientError("usage", message, { hint });
}
