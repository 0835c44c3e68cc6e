/** `npm run build`: dist/NAME for every executable, runnable as it is, and dist/meta/NAME.json (what went in). */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { bundle, bundleRun, repository } from "./bundle.ts";
import { executables } from "./executables.ts";

const distribution = join(repository, "dist");
/** Made by scripts/man.ts, before the programs or after them. */
const documents = ["man", "completions"];

/** What is there is replaced file by file: a program that runs, or another build, never meets half of one. */
export async function buildAll(dist: string = distribution): Promise<void> {
  mkdirSync(join(dist, "meta"), { recursive: true });
  // The files have no extension, as in /usr/bin: this says that they are CommonJS below our own "type": "module".
  replace(join(dist, "package.json"), '{ "type": "commonjs" }\n', 0o644);
  for (const executable of executables) {
    const { code, metafile } = await bundle(executable);
    replace(join(dist, executable.name), code, 0o755);
    replace(join(dist, "meta", `${executable.name}.json`), JSON.stringify(metafile), 0o644);
    console.error(`${executable.name}: ${Math.ceil(code.length / 1024)} KiB`);
  }
  await makeRun(dist);
  const names = ["lib", "meta", "package.json", ...documents, ...executables.map(({ name }) => name)];
  for (const name of readdirSync(dist)) {
    if (!names.includes(name) && !name.startsWith(".")) rmSync(join(dist, name), { recursive: true, force: true });
  }
}

/** lib/run.cjs, which is /usr/lib/signstar/run.cjs when installed, and what belongs beside it. */
async function makeRun(dist: string): Promise<void> {
  mkdirSync(join(dist, "lib"), { recursive: true });
  for (const [name, code] of await bundleRun()) replace(join(dist, "lib", name), code, 0o644);
  makeCodeCaches(join(dist, "lib"), dist);
}

/** Of all programs in a directory, for the Node.js that runs this. */
export function makeCodeCaches(lib: string, programs: string): void {
  const files = executables.map(({ name }) => join(programs, name));
  execFileSync(process.execPath, [join(lib, "make-code-cache.cjs"), ...files], { stdio: ["ignore", 2, 2] });
}

function replace(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(temporary, content);
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

/** Builds unless every bundle is newer than every source. */
export async function buildIfStale(): Promise<void> {
  const made = executables.map(({ name }) => join(distribution, name));
  if (made.every((path) => existsSync(path))) {
    const oldest = Math.min(...made.map((path) => statSync(path).mtimeMs));
    const sources = globSync(
      [
        "packages/*/{package.json,src/**/*.ts}",
        "scripts/{build,bundle,executables,rehearsals,run/*}.ts",
        "pnpm-lock.yaml",
      ],
      {
        cwd: repository,
      },
    );
    if (sources.every((path) => statSync(join(repository, path)).mtimeMs < oldest)) return;
  }
  await buildAll();
}

if (import.meta.main) await buildAll();
