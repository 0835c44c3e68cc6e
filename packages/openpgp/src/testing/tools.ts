/** Other people's OpenPGP programs as judges. A program that is not installed is an error, never a pass. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export const verifiers = ["gpg", "sqv", "sq", "sqop"] as const;
export type Verifier = (typeof verifiers)[number];

export interface Verdict {
  readonly accepted: boolean;
  /** Standard output and error: what a person would see. */
  readonly output: string;
}

export interface Signed {
  /** Binary or armored. */
  readonly certificate: Uint8Array | string;
  readonly signature: Uint8Array | string;
  readonly data: Uint8Array;
}

/** Asks one program, in a directory of its own that is gone afterwards. Throws if the program cannot be started. */
export async function verifyWith(verifier: Verifier, signed: Signed): Promise<Verdict> {
  return await inDirectory(async (directory) => {
    const [certificate, signature, data] = ["certificate", "signature", "data"].map((name) => join(directory, name));
    if (certificate === undefined || signature === undefined || data === undefined) throw new Error("three paths");
    await writeFile(certificate, signed.certificate);
    await writeFile(signature, signed.signature);
    await writeFile(data, signed.data);
    if (verifier === "sqv") return await ask(directory, "sqv", ["--keyring", certificate, signature, data]);
    if (verifier === "sq") {
      return await ask(directory, "sq", ["verify", "--signer-cert", certificate, "--detached", signature, data]);
    }
    if (verifier === "sqop") return await ask(directory, "sqop", ["verify", signature, certificate], signed.data);
    const imported = await gpg(directory, ["--import", certificate]);
    if (!imported.accepted) return imported;
    // A key of unknown owner is reported as a warning; ours is known.
    const fingerprint = /^fpr:+([0-9A-F]{40}):$/m.exec(
      (await gpg(directory, ["--with-colons", "--list-keys"])).output,
    )?.[1];
    await gpg(directory, ["--import-ownertrust"], `${fingerprint}:6:\n`);
    const verdict = await gpg(directory, ["--verify", signature, data]);
    return { accepted: verdict.accepted, output: imported.output + verdict.output };
  });
}

async function gpg(directory: string, args: readonly string[], stdin = ""): Promise<Verdict> {
  return await ask(directory, "gpg", ["--batch", "--no-tty", "--no-autostart", ...args], stdin);
}

async function ask(
  home: string,
  program: string,
  args: readonly string[],
  stdin: Uint8Array | string = "",
): Promise<Verdict> {
  const env = { PATH: process.env["PATH"], HOME: home, GNUPGHOME: home, LANG: "C.UTF-8" };
  const child = spawn(program, args, { env });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  child.stdin.on("error", () => {}); // it may end without reading all
  child.stdin.end(stdin);
  const [code, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { accepted: code === 0, output: output + errors };
}

async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "signstar-openpgp-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
