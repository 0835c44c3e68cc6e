/**
 * `npm run install-files -- DESTDIR`: what a package or an image has of us, below DESTDIR. Nothing is started or enabled,
 * no user is made: that is for signstar-configure-build and the image's own presets.
 */
import { chmodSync, copyFileSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Shell, shells } from "@signstar/command/completion";
import { buildIfStale } from "./build.ts";
import { repository } from "./bundle.ts";
import { executables } from "./executables.ts";
import { writeManual } from "./man.ts";

export interface Installed {
  /** In the repository. */
  readonly from: string;
  /** In the finished system: absolute. */
  readonly to: string;
  readonly mode: number;
}

const documentation = "/usr/share/doc/signstar";

export function installList(): Installed[] {
  return [
    ...executables.map(({ name }) => ({ from: `dist/${name}`, to: `/usr/bin/${name}`, mode: 0o755 })),
    // After the programs, so that no cache is older than its program.
    ...files("dist/lib/**").map((from) => ({
      from,
      to: `/usr/lib/signstar/${relative("dist/lib", from)}`,
      mode: 0o644,
    })),
    ...files("systemd/scripts/*").map((from) => ({ from, to: `/usr/lib/signstar/${basename(from)}`, mode: 0o755 })),
    ...files("systemd/*/**/*.*", "systemd/{scripts,sysusers.d}/*").map((from) => ({
      from,
      to: `/usr/lib/systemd/${relative("systemd", from)}`,
      mode: 0o644,
    })),
    ...files("systemd/sysusers.d/*").map((from) => ({
      from,
      to: `/usr/lib/${relative("systemd", from)}`,
      mode: 0o644,
    })),
    ...files("sshd_config.d/*.conf").map((from) => ({ from, to: `/etc/ssh/${from}`, mode: 0o644 })),
    ...files("{README,SECURITY,CHANGELOG}.md").map((from) => document(from)),
    ...["config.example.toml", ...files("docs/*.{md,svg}")].map((from) => document(from)),
    ...files("LICENSES/*.txt").map((from) => ({
      from,
      to: `/usr/share/licenses/signstar/${basename(from)}`,
      mode: 0o644,
    })),
  ];
}

export async function installInto(destination: string): Promise<void> {
  await buildIfStale();
  installFiles(destination);
  await installManual(destination);
}

/** Everything that is in the repository and in `dist`: no manual, no completions. */
export function installFiles(destination: string): void {
  for (const { from, to, mode } of installList()) place(join(repository, from), join(destination, to), mode);
}

const completions = {
  bash: "/usr/share/bash-completion/completions",
  zsh: "/usr/share/zsh/site-functions",
  fish: "/usr/share/fish/vendor_completions.d",
} as const satisfies Record<Shell, string>;

/** Manual pages and completions are made from what the programs understand, not copied. */
async function installManual(destination: string): Promise<void> {
  const epoch = process.env["SOURCE_DATE_EPOCH"];
  const made = mkdtempSync(join(tmpdir(), "signstar-manual-"));
  await writeManual(made, epoch === undefined ? new Date() : new Date(Number(epoch) * 1000));
  for (const page of readdirSync(join(made, "man")))
    place(join(made, "man", page), join(destination, `/usr/share/man/man${page.slice(-1)}`, page));
  for (const shell of shells) {
    const directory = join(made, "completions", shell);
    for (const file of readdirSync(directory))
      place(join(directory, file), join(destination, completions[shell], file));
  }
  rmSync(made, { recursive: true });
}

function place(from: string, to: string, mode = 0o644): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}

function files(pattern: string, exclude?: string): string[] {
  return globSync(pattern, { cwd: repository, exclude: exclude === undefined ? [] : [exclude], withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(repository, join(entry.parentPath, entry.name)))
    .sort();
}

function document(from: string): Installed {
  return { from, to: `${documentation}/${from}`, mode: 0o644 };
}

if (import.meta.main) {
  const [destination, ...more] = process.argv.slice(2);
  if (destination === undefined || destination.startsWith("-") || more.length > 0) {
    console.error("usage: npm run install-files -- DESTDIR");
    process.exitCode = 64;
  } else {
    // npm starts scripts in the package's directory; people mean the one they stand in.
    await installInto(resolve(process.env["INIT_CWD"] ?? process.cwd(), destination));
  }
}
