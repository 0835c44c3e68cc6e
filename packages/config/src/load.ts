import { join } from "node:path";
import { ConfigError } from "./errors.ts";
import type { Config } from "./model.ts";
import { parseConfig } from "./parse.ts";
import { readText } from "./text-file.ts";

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
    if (text !== undefined) return { config: named(path, () => parseConfig(text)), path };
  }
  throw new ConfigError("missing", `no config at ${candidates.join(", ")}`, {
    hint: "write one of them, or name another with --config",
  });
}

/** Puts the name of the file in front of what is wrong with it. */
export function named<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new ConfigError(cause.code, `${path}: ${cause.message}`, {
      hint: cause.hint,
      cause,
      problems: cause.problems,
    });
  }
}
