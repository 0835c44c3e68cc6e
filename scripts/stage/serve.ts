/**
 * Builds an appliance and serves it until standard input ends:  node serve.ts SPEC.json
 * Software NetHSM, signstar-configure-build, tmpfiles, signstar-configure, SSH server, in this order and with the
 * real programs. When all is up it prints one JSON line (see Ready) on standard output.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { armor } from "@signstar/openpgp/armor";
import { repository } from "../bundle.ts";
import { readDropIn } from "./drop-in.ts";
import { serveEmbedded } from "./embedded-server.ts";
import { installHere } from "./install-here.ts";
import { recordJournal } from "./journal-recorder.ts";
import { type SshServer, serveOpenSsh } from "./openssh-server.ts";

export interface Spec {
  /** `overlay`: installed into this (disposable) system, real users. Otherwise everything below `directory`/root. */
  readonly mode: "overlay" | "openssh" | "embedded";
  /** Where the server keeps what it makes; what is in it afterwards is for reading. */
  readonly directory: string;
  /** TOML with @URL@ and @PIN@ where the software NetHSM's address and fingerprint belong. */
  readonly config: string;
  /** Programs put into /usr/bin beside ours (overlay only). */
  readonly programs?: Readonly<Record<string, string>>;
  /** Further arguments of soft-nethsm. */
  readonly softNethsm?: readonly string[];
  /** A shell script that runs (overlay only) when everything but the SSH server is up; `$1` is `directory`. */
  readonly setup?: string;
  /** Lines before ours in sshd_config, and Match blocks before those of the drop-ins. */
  readonly sshdConfig?: string;
  readonly matchBlocks?: string;
}

export interface Ready {
  readonly port: number;
  /** `type base64` */
  readonly hostKey: string;
  readonly url: string;
  readonly tlsFingerprint: string;
}

const children: ChildProcess[] = [];

async function main(specFile: string): Promise<void> {
  const spec = JSON.parse(readFileSync(specFile, "utf8")) as Spec;
  const installed = spec.mode === "overlay";
  // A short path without odd characters: for the length of a socket's path, and for words that pass through sh.
  const short = mkdtempSync(join(tmpdir(), "signstar-"));
  process.once("exit", () => rmSync(short, { recursive: true, force: true }));
  const directory = join(short, "server");
  symlinkSync(spec.directory, directory);
  let root = "";
  if (!installed) {
    root = join(short, "root");
    mkdirSync(join(spec.directory, "root"), { recursive: true });
    symlinkSync(join(spec.directory, "root"), root);
    symlinkSync(repository, join(short, "checkout"));
  }
  const bin = installed ? "/usr/bin" : join(short, "checkout", "bin");
  if (installed) install(spec);

  const device = await startDevice(join(bin, "soft-nethsm"), spec);
  const journal = await recordJournal(`${root}/run/systemd/journal/stdout`, join(spec.directory, "journal.log"));
  const config = `${root}/etc/signstar/config.toml`;
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, spec.config.replaceAll("@URL@", device.url).replaceAll("@PIN@", device.pin));

  const rooted = installed ? [] : ["--root", root];
  const integration = installed ? [] : ["--bin-dir", bin, "--program-options", `--root ${root}`];
  run(join(bin, "signstar-configure-build"), [...rooted, ...integration, "--config", config]);
  makeDirectories(root, installed);
  run(join(bin, "signstar-configure"), ["apply", ...rooted, "--config", config]);
  exportCertificates(root, join(spec.directory, "certificates"));

  if (installed && spec.setup !== undefined) run("sh", ["-euc", spec.setup, "sh", spec.directory]);

  const { ssh, hostKey } = await startSsh(spec, directory, root);
  const ready: Ready = { port: ssh.port, hostKey, url: device.url, tlsFingerprint: device.fingerprint };
  console.log(JSON.stringify(ready));

  const end = () => {
    ssh.close();
    journal.close();
    for (const child of children) child.kill();
    process.exit(0);
  };
  process.stdin.resume().once("end", end).once("error", end);
  process.once("SIGTERM", end).once("SIGINT", end);
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", 2, 2] });
}

function install(spec: Spec): void {
  installHere();
  for (const [name, text] of Object.entries(spec.programs ?? {})) {
    writeFileSync(join("/usr/bin", name), text);
    chmodSync(join("/usr/bin", name), 0o755);
  }
}

async function startDevice(program: string, spec: Spec): Promise<{ url: string; fingerprint: string; pin: string }> {
  const child = spawn(program, ["--memory", "--listen", "127.0.0.1:0", ...(spec.softNethsm ?? [])], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  child.stderr.on("data", (bytes) => writeFileSync(join(spec.directory, "soft-nethsm.log"), bytes, { flag: "a" }));
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, tlsFingerprint } = JSON.parse(line) as { url: string; tlsFingerprint: string };
    return { url, fingerprint: tlsFingerprint, pin: tlsFingerprint.replace(/^sha256:/, "") };
  }
  throw new Error(`soft-nethsm did not start; see ${join(spec.directory, "soft-nethsm.log")}`);
}

function makeDirectories(root: string, installed: boolean): void {
  const files = globSync(`${root}/usr/lib/tmpfiles.d/signstar*.conf`);
  if (installed) {
    run("systemd-tmpfiles", ["--create", ...files]);
    return;
  }
  // Without root every owner is the caller: what is left of tmpfiles.d is `mkdir` with a mode.
  for (const line of files.flatMap((file) => readFileSync(file, "utf8").split("\n"))) {
    const [type, path, mode] = line.split(/\s+/);
    if (type !== "d" || path === undefined || mode === undefined) continue;
    mkdirSync(root + path, { recursive: true });
    chmodSync(root + path, Number.parseInt(mode, 8));
  }
}

function exportCertificates(root: string, directory: string): void {
  const from = `${root}/var/lib/signstar/certificates`;
  mkdirSync(directory, { recursive: true });
  for (const name of existsSync(from) ? readdirSync(from) : []) {
    const text = armor("PGP PUBLIC KEY BLOCK", readFileSync(join(from, name)));
    writeFileSync(join(directory, name.replace(/\.pgp$/, ".asc")), text);
  }
}

async function startSsh(spec: Spec, directory: string, root: string): Promise<{ ssh: SshServer; hostKey: string }> {
  const keyFile = join(directory, "ssh_host_ed25519_key");
  const hostKey = readFileSync(`${keyFile}.pub`, "utf8").split(" ").slice(0, 2).join(" ").trim();
  // The drop-ins name the paths of the finished system: below a root they need its prefix.
  const dropIns = globSync(`${root}/etc/ssh/sshd_config.d/10-signstar-*.conf`).map((file) => ({
    name: basename(file),
    text: readFileSync(file, "utf8").replaceAll(" /etc/ssh/", ` ${root}/etc/ssh/`),
  }));
  if (spec.mode === "embedded") {
    const users = dropIns.flatMap(({ text }) => readDropIn(text));
    return { ssh: await serveEmbedded({ hostKey: keyFile, users }), hostKey };
  }
  const config = join(directory, "sshd_config");
  const ownPrivilegeSeparation = process.geteuid?.() === 0;
  if (ownPrivilegeSeparation) mkdirSync("/run/sshd", { recursive: true });
  const lines = [
    spec.sshdConfig ?? "",
    ...(spec.mode === "overlay" ? [`Include ${join(repository, "sshd_config.d", "00-signstar.conf")}`] : []),
    `HostKey ${keyFile}`,
    "PidFile none",
    "UsePAM no",
    "PasswordAuthentication no",
    "LogLevel VERBOSE",
    // Below an ordinary user's directories the modes of every parent are not ours to demand.
    ...(ownPrivilegeSeparation ? [] : ["StrictModes no"]),
  ];
  writeFileSync(config, [...lines, spec.matchBlocks ?? "", ...dropIns.map(({ text }) => text)].join("\n"));
  const sshd = "/usr/sbin/sshd";
  execFileSync(sshd, ["-t", "-f", config], { stdio: ["ignore", 2, 2] });
  return { ssh: await serveOpenSsh({ sshd, config, log: join(directory, "sshd.log") }), hostKey };
}

const [specFile] = process.argv.slice(2);
if (specFile === undefined) throw new Error("usage: serve.ts SPEC.json");
await main(specFile);
