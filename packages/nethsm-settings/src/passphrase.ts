/** Passphrases that are kept outside of the settings. */
import { join } from "node:path";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import type { Secret } from "@signstar/primitives/secret";
import { SettingsError } from "./errors.ts";
import { passphraseFrom, readPassphraseFile } from "./load.ts";
import type { PassphraseSource } from "./model.ts";

/** A program that asks a person may take its time. */
const commandTimeoutMs = 120_000;

/** Throws SettingsError. The Secret is the caller's own. */
export async function openSource(source: PassphraseSource, env: NodeJS.ProcessEnv): Promise<Secret> {
  switch (source.kind) {
    case "stored":
      return source.passphrase.clone();
    case "command":
      return await askCommand(source.argv);
    case "systemd": {
      const { CREDENTIALS_DIRECTORY: directory } = env;
      if (directory !== undefined) return await readPassphraseFile(join(directory, source.name));
      throw new SettingsError("no-passphrase", `credential ${source.name} is not there: systemd did not start this`, {
        hint: `give the service LoadCredentialEncrypted=${source.name}`,
      });
    }
  }
}

/** Its standard output is the passphrase; what it says to people goes through, and it may ask them. */
async function askCommand([program, ...args]: readonly [string, ...string[]]): Promise<Secret> {
  const { execa } = await import("execa");
  try {
    const { stdout } = await execa(program, args, {
      encoding: "buffer",
      stripFinalNewline: false,
      stdin: "inherit",
      stderr: "inherit",
      timeout: commandTimeoutMs,
      maxBuffer: limits.credentialBytes,
    });
    return passphraseFrom(stdout, `what ${program} printed`);
  } catch (cause) {
    if (cause instanceof SettingsError) throw cause;
    // The message of a failed program shows its output: say how it ended, no more.
    throw new SettingsError("passphrase-command", `passphrase command ${program} failed: ${endOf(cause)}`);
  }
}

function endOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return messageOf(error);
  if ("timedOut" in error && error.timedOut === true) return `no answer within ${commandTimeoutMs / 1000} s`;
  if ("isMaxBuffer" in error && error.isMaxBuffer === true) return `more than ${limits.credentialBytes} bytes`;
  if ("exitCode" in error && typeof error.exitCode === "number") return `exit code ${error.exitCode}`;
  if ("signal" in error && typeof error.signal === "string") return error.signal;
  return "code" in error ? String(error.code) : "it cannot be started";
}
