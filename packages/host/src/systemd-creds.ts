import { fromUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";
import { runProgram } from "./run-program.ts";

/** Who may decrypt: root of this system, or one user of it, by name or uid. */
export type Scope = "system" | { readonly user: string };

/** The first version that encrypts for users. */
const firstForUsers = 256;

/**
 * Encrypts with this machine's key (its TPM's, a file's in /var/lib/systemd, or both), by systemd-creds(1). No name is
 * bound into it, as nobody has to know one who decrypts it, whatever its file is called. Throws HostError
 * encryption-failed (78).
 */
export async function encryptCredential(plain: Uint8Array, scope: Scope): Promise<Uint8Array> {
  try {
    return await systemdCreds("encrypt", plain, scope);
  } catch (cause) {
    throw new HostError("encryption-failed", `systemd-creds encrypts nothing: ${messageOf(cause)}`, {
      cause,
      hint: hintFor(scope),
    });
  }
}

/**
 * What was encrypted, in an array that the caller wipes. Throws HostError: credential-unusable (78) for what is not
 * encrypted for this machine and scope, program-missing.
 */
export async function decryptCredential(blob: Uint8Array, scope: Scope): Promise<Uint8Array> {
  try {
    return await systemdCreds("decrypt", blob, scope);
  } catch (cause) {
    if (!(cause instanceof HostError) || cause.code !== "program-failed") throw cause;
    throw new HostError("credential-unusable", `systemd-creds decrypts nothing: ${messageOf(cause)}`, { cause });
  }
}

/** Throws HostError encryption-failed (78) unless this machine's systemd can encrypt for users. */
export async function requireUserScope(): Promise<void> {
  const version = await systemdVersion();
  if (version >= firstForUsers) return;
  const problem = `systemd ${version} does not encrypt for users, as systemd ${firstForUsers} does`;
  throw new HostError("encryption-failed", problem, { hint: hintFor({ user: "" }) });
}

function hintFor(scope: Scope): string {
  const key = scope === "system" ? "admin_secret_handling" : "non_admin_secret_handling";
  return `write ${key} = "plaintext", and keep /var on an encrypted disk`;
}

async function systemdVersion(): Promise<number> {
  try {
    const output = fromUtf8(await run(["--version"]));
    return Number(/^systemd (\d{1,5})\b/.exec(output)?.[1] ?? 0);
  } catch (cause) {
    const problem = `the version of systemd cannot be found out: ${messageOf(cause)}`;
    throw new HostError("encryption-failed", problem, { cause, hint: hintFor({ user: "" }) });
  }
}

function systemdCreds(verb: "encrypt" | "decrypt", input: Uint8Array, scope: Scope): Promise<Uint8Array> {
  const options = scope === "system" ? ["--name="] : ["--user", "--name=", "--uid", scope.user];
  return run([...options, verb, "-", "-"], input);
}

/** TPMs are slow, and there may be a queue. */
const deadlineMs = 60_000;

function run(words: readonly string[], input?: Uint8Array): Promise<Uint8Array> {
  return runProgram("systemd-creds", words, { input, env: { ...process.env, LC_ALL: "C" }, deadlineMs });
}
