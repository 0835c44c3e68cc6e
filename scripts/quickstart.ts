/**
 * `npm run quickstart -- [FILE…] [--out DIR] [--keep]`: the main job on real input. Builds an appliance with a software
 * NetHSM behind it, signs each FILE over SSH, checks the signatures and leaves them with the certificate in DIR.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildIfStale } from "./build.ts";
import { repository } from "./bundle.ts";
import { applianceConfig } from "./stage/appliance-config.ts";
import { findPlace, makeKey, type Stage, startStage } from "./stage/stage.ts";

const usage = "usage: npm run quickstart -- [FILE…] [--out DIR] [--keep]";

function configFor(user: string, publicKey: string): string {
  const openPgpUserId = "Quickstart <quickstart@example.org>";
  return applianceConfig([{ user, publicKey, keyId: "key1", keyType: "Ed25519", openPgpUserId }]);
}

function say(text: string): void {
  console.log(`quickstart: ${text}`);
}

class Failed extends Error {
  readonly exit: number;

  constructor(exit: number, message: string) {
    super(message);
    this.exit = exit;
  }
}

function readArguments(): { files: readonly string[]; out: string; keep: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { out: { type: "string" }, keep: { type: "boolean" }, help: { type: "boolean" } },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    // npm starts scripts in the package's directory; people mean the one they stand in.
    const from = process.env["INIT_CWD"] ?? process.cwd();
    const files = (positionals.length > 0 ? positionals : [join(repository, "README.md")]).map((f) => resolve(from, f));
    const out = values.out === undefined ? join(repository, "quickstart-out") : resolve(from, values.out);
    return { files, out, keep: values.keep ?? false };
  } catch (error) {
    throw new Failed(64, `${error instanceof Error ? error.message : error}; ${usage}`);
  }
}

function sign(stage: Stage, key: string, files: readonly string[], out: string, certificate: string): number {
  const ssh = existsSync("/usr/bin/ssh") ? [] : ["--builtin-ssh"];
  const { status, error } = spawnSync(
    join(repository, "bin", "signstar-request-signature"),
    [
      ...["sign", "-p", String(stage.port), "-i", key, "--known-hosts", stage.knownHosts, ...ssh],
      ...["--armor", "--force", "--output-dir", out, "--certificate", certificate],
      ...[`${stage.place.user}@127.0.0.1`, ...files],
    ],
    { stdio: "inherit" },
  );
  if (error) throw error;
  return status ?? 70;
}

/** The commands to check a signature by hand; each that is installed is run as well. */
function check(file: string, signature: string, certificate: string): boolean {
  const home = mkdtempSync(join(tmpdir(), "signstar-gpg-"));
  const gpg = ["gpg", "--homedir", home, "--batch", "--quiet"];
  const checks = [
    [...gpg, "--import", certificate],
    [...gpg, "--trust-model", "always", "--verify", signature, file],
    ["sqv", "--keyring", certificate, signature, file],
  ];
  let good = true;
  for (const [command = "", ...args] of checks) {
    const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
    if (error !== undefined) continue;
    if (status !== 0) {
      console.error(stderr);
      good = false;
    }
    if (!args.includes("--import")) say(`${command} says ${status === 0 ? "good" : "BAD"}: ${basename(signature)}`);
  }
  spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
  rmSync(home, { recursive: true, force: true });
  return good;
}

function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

async function main(): Promise<void> {
  const { files, out, keep } = readArguments();
  for (const file of files) {
    if (!existsSync(file) || !statSync(file).isFile()) throw new Failed(66, `${file} is not a file`);
  }
  mkdirSync(out, { recursive: true });
  const server = join(out, "server");
  rmSync(server, { recursive: true, force: true });
  mkdirSync(server, { mode: 0o755 });

  await buildIfStale();
  const place = findPlace();
  say(`the server is ${place.why}`);
  const key = makeKey(join(out, "client_ed25519_key"), "quickstart");
  const stage = await startStage(place, { directory: server, config: configFor(place.user, key.publicKey) });
  try {
    say("the key is in soft-nethsm, a NetHSM in software: not a hardware module");
    const certificate = join(out, "certificate.asc");
    copyFileSync(join(server, "certificates", "key1.asc"), certificate);
    const status = sign(stage, key.file, files, out, certificate);
    if (status !== 0) throw new Failed(status, "not every file was signed");

    const pairs = files.map((file) => ({ file, signature: join(out, `${basename(file)}.asc`) }));
    const good = pairs.map(({ file, signature }) => check(file, signature, certificate)).every(Boolean);
    const here = process.env["INIT_CWD"] ?? process.cwd();
    const show = (path: string) => quote(relative(here, path).startsWith("..") ? path : relative(here, path));
    console.log("\nCheck by hand:");
    console.log(`  gpg --import ${show(certificate)}`);
    for (const { file, signature } of pairs) {
      console.log(`  gpg --verify ${show(signature)} ${show(file)}`);
      console.log(`  sqv --keyring ${show(certificate)} ${show(signature)} ${show(file)}`);
    }
    if (keep) {
      console.log("\nThe server stays until Ctrl-C. Sign more with:");
      console.log(
        `  bin/signstar-request-signature sign -p ${stage.port} -i ${show(key.file)}` +
          ` --known-hosts ${show(stage.knownHosts)} ${place.user}@127.0.0.1 FILE`,
      );
      await new Promise<void>((done) => process.once("SIGINT", done).once("SIGTERM", done));
    }
    if (!good) throw new Failed(1, "a verifier refused a signature");
  } finally {
    await stage.stop();
  }
}

try {
  await main();
} catch (error) {
  console.error(`quickstart: error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = error instanceof Failed ? error.exit : 1;
}
