/** The programs that people check signatures with. Each gives its own word: true is "good". */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Signed {
  readonly file: string;
  readonly signature: string;
  readonly certificate: string;
}

export interface Verdict {
  readonly good: boolean;
  readonly output: string;
}

function run(command: string, args: readonly string[], input?: string): Verdict {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", input: input ?? "" });
  if (error) throw error;
  return { good: status === 0, output: `${stdout}${stderr}` };
}

export function gpg({ file, signature, certificate }: Signed): Verdict {
  const home = mkdtempSync(join(tmpdir(), "signstar-gpg-"));
  const common = ["--homedir", home, "--batch", "--no-auto-check-trustdb", "--trust-model", "always"];
  try {
    const imported = run("gpg", [...common, "--import", certificate]);
    return imported.good ? run("gpg", [...common, "--verify", signature, file]) : imported;
  } finally {
    spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
    rmSync(home, { recursive: true, force: true });
  }
}

export function sqv({ file, signature, certificate }: Signed): Verdict {
  return run("sqv", ["--keyring", certificate, signature, file]);
}

export function sq({ file, signature, certificate }: Signed): Verdict {
  return run("sq", ["verify", "--signer-file", certificate, "--detached", signature, file]);
}

export function sqop({ file, signature, certificate }: Signed): Verdict {
  return run("sh", ["-c", 'exec sqop verify "$1" "$2" <"$3"', "sh", signature, certificate, file]);
}

export const verifiers = { gpg, sqv, sq, sqop } as const;
