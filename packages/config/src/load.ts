import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { ConfigError } from "./errors.ts";
import type { Config } from "./model.ts";
import { parseConfig } from "./parse.ts";

/** Where a config is looked for; the first that exists is the one. */
export const defaultConfigPaths = [
  "/etc/signstar/config.toml",
  "/run/signstar/config.toml",
  "/usr/local/share/signstar/config.toml",
  "/usr/share/signstar/config.toml",
] as const;

export interface LoadOptions {
  /** This file and no other, as `--config` names it; `root` is not put in front of it. */
  readonly config?: string | undefined;
  /** Put in front of the default locations. */
  readonly root?: string | undefined;
}

/**
 * Reads and checks a config. Nothing is ever created. Throws ConfigError (exit 78): `missing` lists where it was looked
 * for, `unreadable` is a file that is not regular, too large or not text, and the rest is `parseConfig`'s.
 */
export async function loadConfig(
  options: LoadOptions = {},
): Promise<{ readonly config: Config; readonly path: string }> {
  const candidates =
    options.config === undefined ? defaultConfigPaths.map((path) => join(options.root ?? "/", path)) : [options.config];
  for (const path of candidates) {
    const text = readText(path);
    if (text !== undefined) return { config: parseNamed(path, text), path };
  }
  throw new ConfigError("missing", `no config at ${candidates.join(", ")}`, {
    hint: "write one of them, or name another with --config",
  });
}

function parseNamed(path: string, text: string): Config {
  try {
    return parseConfig(text);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new ConfigError(cause.code, `${path}: ${cause.message}`, {
      hint: cause.hint,
      cause,
      problems: cause.problems,
    });
  }
}

/** Undefined if there is nothing at this path. */
function readText(path: string): string | undefined {
  let fd: number;
  try {
    // Without O_NONBLOCK a FIFO would keep us here for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (isNotFound(cause)) return undefined;
    throw unreadable(path, messageOf(cause), cause);
  }
  try {
    if (!fstatSync(fd).isFile()) throw unreadable(path, "it is not a regular file");
    return fromUtf8(readAll(fd, path));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw unreadable(path, cause instanceof TypeError ? "it is not UTF-8" : messageOf(cause), cause);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, path: string): Uint8Array {
  // One byte more than allowed tells a file that is too large, even if it grows meanwhile.
  const buffer = new Uint8Array(limits.configBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  throw unreadable(path, `it is larger than ${limits.configBytes} bytes`);
}

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && (thrown.code === "ENOENT" || thrown.code === "ENOTDIR");
}

function unreadable(path: string, reason: string, cause?: unknown): ConfigError {
  return new ConfigError("unreadable", `cannot read config ${path}: ${reason}`, { cause });
}
