/** The programs that the tests call, and the Debian package that has each. */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const tools: Readonly<Record<string, string>> = {
  findmnt: "util-linux",
  fish: "fish",
  gpg: "gnupg",
  journalctl: "systemd",
  mandoc: "mandoc",
  logger: "bsdutils",
  openssl: "openssl",
  promtool: "prometheus",
  reuse: "reuse",
  script: "bsdutils",
  setpriv: "util-linux",
  sq: "sq",
  sqop: "sqop",
  sqv: "sqv",
  ssh: "openssh-client",
  "ssh-agent": "openssh-client",
  "ssh-keygen": "openssh-client",
  sshd: "openssh-server",
  strace: "strace",
  "systemd-analyze": "systemd",
  "systemd-creds": "systemd",
  "systemd-socket-activate": "systemd",
  "systemd-sysusers": "systemd",
  "systemd-tmpfiles": "systemd",
  unshare: "util-linux",
  useradd: "passwd",
  zsh: "zsh",
};

/** The packages of these would start a server, so only the program is taken out of them, into the checkout. */
const takenOut = ["promtool"];
const takenOutTo = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules", ".cache", "tools");

export function missingTools(): string[] {
  return Object.keys(tools).filter((tool) => toolPath(tool) === undefined);
}

/** Where a tool is; undefined if it is missing. */
export function toolPath(tool: string): string | undefined {
  const path = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:${takenOutTo}`;
  return path
    .split(":")
    .map((directory) => join(directory, tool))
    .find(isProgram);
}

/** Installs what is missing if this is Debian and we are root. Returns what is missing afterwards. */
export function installTools(): string[] {
  const missing = missingTools();
  if (missing.length === 0 || process.geteuid?.() !== 0 || !isDebian()) return missing;
  const packages = [...new Set(missing.filter((tool) => !takenOut.includes(tool)).map((tool) => tools[tool] ?? tool))];
  console.error(`test: installing ${missing.join(" ")} from Debian`);
  // RUNLEVEL keeps the packages from starting their services where invoke-rc.d decides that.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = { stdio: ["ignore", 2, 2], env } satisfies SpawnSyncOptions;
  spawnSync("apt-get", ["update", "-qq"], options);
  if (packages.length > 0) {
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], options);
  }
  for (const tool of missing.filter((each) => takenOut.includes(each))) takeOut(tool, options);
  return missingTools();
}

function takeOut(tool: string, options: SpawnSyncOptions): void {
  mkdirSync(takenOutTo, { recursive: true });
  const cwd = mkdtempSync(join(tmpdir(), "signstar-package-"));
  const script = 'apt-get download -qq "$1" && dpkg-deb --fsys-tarfile "$1"_*.deb | tar -xO "./usr/bin/$2" >"$3.new"';
  const path = join(takenOutTo, tool);
  const { status } = spawnSync("sh", ["-c", script, "sh", tools[tool] ?? tool, tool, path], { ...options, cwd });
  if (status === 0) {
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
  }
  rmSync(cwd, { recursive: true, force: true });
}

function isDebian(): boolean {
  try {
    return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
