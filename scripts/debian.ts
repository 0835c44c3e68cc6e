/** The programs that the tests call, and the Debian package that has each. */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";

export const tools: Readonly<Record<string, string>> = {
  fish: "fish",
  gpg: "gnupg",
  mandoc: "mandoc",
  jq: "jq",
  openssl: "openssl",
  reuse: "reuse",
  script: "bsdutils",
  sq: "sq",
  sqop: "sqop",
  sqv: "sqv",
  ssh: "openssh-client",
  "ssh-agent": "openssh-client",
  "ssh-keygen": "openssh-client",
  sshd: "openssh-server",
  strace: "strace",
  "systemd-analyze": "systemd",
  "systemd-tmpfiles": "systemd",
  unshare: "util-linux",
  useradd: "passwd",
  zsh: "zsh",
};

export function missingTools(): string[] {
  const path = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
  return Object.keys(tools).filter((tool) => !path.split(":").some((directory) => isProgram(join(directory, tool))));
}

/** Installs what is missing if this is Debian and we are root. Returns what is missing afterwards. */
export function installTools(): string[] {
  const missing = missingTools();
  if (missing.length === 0 || process.geteuid?.() !== 0 || !isDebian()) return missing;
  const packages = [...new Set(missing.map((tool) => tools[tool] ?? tool))];
  console.error(`test: installing ${packages.join(" ")} from Debian`);
  // RUNLEVEL keeps the packages from starting their services where invoke-rc.d decides that.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = { stdio: ["ignore", 2, 2], env } satisfies SpawnSyncOptions;
  spawnSync("apt-get", ["update", "-qq"], options);
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], options);
  return missingTools();
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
