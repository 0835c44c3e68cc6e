/** `npm run docs:man`: dist/man (mdoc) and dist/completions of every executable, made from its specification. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { completion, completionFile, shells } from "@signstar/command/completion";
import { manualPages } from "@signstar/command/manual";
import type { ForcedCommand } from "@signstar/command/run-forced";
import type { Command } from "@signstar/command/spec";
import { repository } from "./bundle.ts";
import { type Executable, executables } from "./executables.ts";

/** Writes below `directory`; returns how many manual pages there are. `date` is that of the sources' last change. */
export async function writeManual(directory: string, date: Date): Promise<number> {
  // Pages of commands that are no more would stay.
  for (const made of ["man", "completions"]) rmSync(join(directory, made), { recursive: true, force: true });
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string };
  let pages = 0;
  for (const executable of executables) {
    const program = await specOf(executable);
    const accepts = "accepts" in program ? { accepts: program.accepts } : {};
    for (const { file, text } of manualPages(program, { date, source: `Signstar ${version}`, ...accepts })) {
      write(join(directory, "man", file), text);
      pages += 1;
    }
    // sshd starts the others, nobody types them.
    if (executable.runner === "forced") continue;
    for (const shell of shells) {
      write(join(directory, "completions", shell, completionFile(program, shell)), completion(program, shell));
    }
  }
  return pages;
}

async function specOf({ module, command }: Executable): Promise<Command | ForcedCommand> {
  const exported = (await import(module)) as Readonly<Record<string, Command | ForcedCommand>>;
  const program = exported[command];
  if (program === undefined) throw new Error(`${module} has no ${command}`);
  return program;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (import.meta.main) {
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  const pages = await writeManual(
    join(repository, "dist"),
    epoch === undefined ? new Date() : new Date(Number(epoch) * 1000),
  );
  console.error(`dist/man: ${pages} pages; dist/completions: ${shells.join(", ")}`);
}
