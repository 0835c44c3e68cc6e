/** `npm run build`: dist/NAME for every executable, runnable as it is, and dist/meta/NAME.json (what went in). */
import { chmodSync, existsSync, globSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, repository } from "./bundle.ts";
import { executables } from "./executables.ts";

const dist = join(repository, "dist");

export async function buildAll(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, "meta"), { recursive: true });
  // The files have no extension, as in /usr/bin: this says that they are CommonJS below our own "type": "module".
  writeFileSync(join(dist, "package.json"), '{ "type": "commonjs" }\n');
  for (const executable of executables) {
    const { code, metafile } = await bundle(executable);
    const path = join(dist, executable.name);
    writeFileSync(path, code);
    chmodSync(path, 0o755);
    writeFileSync(join(dist, "meta", `${executable.name}.json`), JSON.stringify(metafile));
    console.error(`${executable.name}: ${Math.ceil(code.length / 1024)} KiB`);
  }
}

/** Builds unless every bundle is newer than every source. */
export async function buildIfStale(): Promise<void> {
  const made = executables.map(({ name }) => join(dist, name));
  if (made.every((path) => existsSync(path))) {
    const oldest = Math.min(...made.map((path) => statSync(path).mtimeMs));
    const sources = globSync(["packages/*/{package.json,src/**/*.ts}", "scripts/*.ts", "pnpm-lock.yaml"], {
      cwd: repository,
    });
    if (sources.every((path) => statSync(join(repository, path)).mtimeMs < oldest)) return;
  }
  await buildAll();
}

if (import.meta.main) await buildAll();
