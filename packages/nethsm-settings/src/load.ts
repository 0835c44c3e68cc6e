/** Everything that this room reads from files. */
import { constants, type Stats } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { Secret } from "@signstar/primitives/secret";
import { encodeSettings } from "./encode.ts";
import { SettingsError } from "./errors.ts";
import { noSettings, type Settings } from "./model.ts";
import { parseSettings } from "./parse.ts";
import { AtomicFile } from "./write-file.ts";

/** `$XDG_CONFIG_HOME/NAME/config.toml`, usually `~/.config/nethsm/config.toml`. */
export function defaultSettingsPath(env: NodeJS.ProcessEnv, name = "nethsm"): string {
  const { XDG_CONFIG_HOME: base, HOME: home = homedir() } = env;
  if (base?.startsWith("/")) return join(base, name, "config.toml");
  if (home.startsWith("/")) return join(home, ".config", name, "config.toml");
  throw new SettingsError("no-place", "there is no home directory to keep settings in", {
    hint: "set HOME, or name the file",
  });
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** What the owner of the file should know. */
  readonly warnings: readonly string[];
}

/** No settings where there is no file: it is not made here. Throws SettingsError. */
export async function loadSettings(path: string): Promise<LoadedSettings> {
  const file = await readBounded(path, limits.configBytes, "settings-unreadable");
  if (file === undefined) return { settings: noSettings, warnings: [] };
  const settings = parseSettings(textOf(path, file.bytes), path);
  const stored = settings.devices.some(({ credentials }) =>
    credentials.some(({ passphrase }) => passphrase?.kind === "stored"),
  );
  const isOpen = stored && (file.stats.mode & 0o077) !== 0;
  return { settings, warnings: isOpen ? [`${path} has passphrases and others may read it: chmod 600`] : [] };
}

/** Writes the file with mode 0600, and its directory with 0700 if there is none. Throws SettingsError (73, 75). */
export async function saveSettings(path: string, settings: Settings): Promise<void> {
  await using file = await inTurn(path, patienceMs);
  await file.write(toUtf8(encodeSettings(settings)));
  await file.commit();
}

const patienceMs = 10_000;

/**
 * Reads the file, changes what it says, and writes it, alone: others who do the same wait for their turn (ten seconds,
 * or `waitMs`), so that nobody's change is lost. `change` should ask nobody. Throws SettingsError (73, 75), and what
 * `change` throws; then the file stays as it is.
 */
export async function updateSettings(
  path: string,
  change: (settings: Settings) => Settings,
  waitMs = patienceMs,
): Promise<void> {
  await using file = await inTurn(path, waitMs);
  const { settings } = await loadSettings(path);
  await file.write(toUtf8(encodeSettings(change(settings))));
  await file.commit();
}

/** The file that becomes the settings is also the lock: only one can be under this name. */
async function inTurn(path: string, waitMs: number): Promise<AtomicFile> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SettingsError("file-not-written", `${dirname(path)} cannot be made: ${messageOf(cause)}`, { cause });
  }
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      return await AtomicFile.create(path, { mode: 0o600, force: true, alone: true });
    } catch (error) {
      const isBusy = error instanceof SettingsError && error.code === "settings-busy";
      if (!isBusy || performance.now() >= deadline) throw error;
    }
    await setTimeout(20 + 30 * Math.random());
  }
}

/** A passphrase file: one newline at its end, as editors leave it, does not count. Throws SettingsError. */
export async function readPassphraseFile(path: string): Promise<Secret> {
  const file = await readBounded(path, limits.credentialBytes, "passphrase-unreadable");
  if (file === undefined) throw new SettingsError("passphrase-unreadable", `passphrase file ${path} does not exist`);
  return passphraseFrom(file.bytes, `passphrase file ${path}`);
}

/** The bytes less one newline at the end; they are wiped. Throws SettingsError `bad-passphrase` unless they are text. */
export function passphraseFrom(bytes: Uint8Array, what: string): Secret {
  const end = bytes.at(-1) === 0x0a ? bytes.length - (bytes.at(-2) === 0x0d ? 2 : 1) : bytes.length;
  const passphrase = Secret.take(bytes.slice(0, end));
  bytes.fill(0);
  try {
    passphrase.use(fromUtf8);
  } catch {
    throw new SettingsError("bad-passphrase", `${what} is not UTF-8 text`);
  }
  return passphrase;
}

/** Undefined if there is none. Pipes are read too: the shell's `<(…)`. */
async function readBounded(
  path: string,
  max: number,
  code: "settings-unreadable" | "passphrase-unreadable",
): Promise<{ bytes: Uint8Array; stats: Stats } | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY);
    const stats = await file.stat();
    const buffer = new Uint8Array(max + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (length > max) throw new SettingsError(code, `${path} is longer than ${max} bytes`);
      if (bytesRead === 0) break;
    }
    const bytes = buffer.slice(0, length);
    buffer.fill(0, 0, length);
    return { bytes, stats };
  } catch (cause) {
    if (cause instanceof SettingsError) throw cause;
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new SettingsError(code, `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function textOf(path: string, bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new SettingsError("settings-unreadable", `${path} is not UTF-8 text`, { cause });
  }
}
