// needs: openssl gpg sq sqop
/** The walk-through of the command line, against a software device, under the eyes of other people's programs. */
import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "@signstar/command/spec";
import { nethsm } from "@signstar/nethsm-cli/nethsm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle, repository } from "../../scripts/bundle.ts";
import { executables } from "../../scripts/executables.ts";

let stage: string;
beforeAll(async () => {
  stage = mkdtempSync(join(tmpdir(), "walkthrough-"));
  mkdirSync(join(stage, "bin/node_modules"), { recursive: true });
  // Secret OpenPGP keys are read by a library that is installed beside the program.
  symlinkSync(join(repository, "node_modules/openpgp"), join(stage, "bin/node_modules/openpgp"));
  symlinkSync(process.execPath, join(stage, "bin/node"));
  for (const executable of executables) {
    if (!["nethsm", "soft-nethsm", "signstar-request-signature"].includes(executable.name)) continue;
    const path = join(stage, "bin", executable.name);
    const { code } = await bundle(executable);
    writeFileSync(path, code.replace(/^#!.*/, `#!${process.execPath}`));
    chmodSync(path, 0o755);
  }
});
afterAll(() => rmSync(stage, { recursive: true, force: true }));

test.concurrent.each(["2.2", "5.0"])(
  "every command of the walk-through does what it says, release %s",
  async (release) => {
    const directory = join(stage, release);
    mkdirSync(directory);
    copyFileSync(join(repository, "README.md"), join(directory, "README.md"));
    const { HOME = "/", PATH = "" } = process.env;
    const script = spawn(join(repository, "test/walkthrough/walkthrough.sh"), [release], {
      cwd: directory,
      // Nothing of the caller's own settings.
      env: {
        HOME,
        PATH: `${join(stage, "bin")}:${dirname(process.execPath)}:${PATH}`,
        TMPDIR: tmpdir(),
        LC_ALL: "C.UTF-8",
        // Hundreds of processes run the same three files.
        NODE_COMPILE_CACHE: join(stage, "cache"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [script.stdout, script.stderr]) stream.on("data", (data: Buffer) => (output += data));
    const code = await new Promise((resolve) => script.on("close", resolve));
    expect(code, output.slice(-4000)).toBe(0);
    expect(output).toMatch(/walkthrough: done\n$/);
  },
  900_000,
);

/** The commands that a text names: `key sign`, whatever stands before, between and behind. */
function commandsIn(text: string): Set<string> {
  const found = new Set<string>();
  for (const [, words = ""] of text.matchAll(/\bnethsm ([^|<>;&\n]+)/g)) {
    let command: Command = nethsm;
    const path: string[] = [];
    for (const word of words.split(/[\s")]+/)) {
      const next: Command | undefined = command.commands?.find(({ name }) => name === word);
      if (next === undefined) continue;
      command = next;
      path.push(word);
    }
    if (command.run !== undefined) found.add(path.join(" "));
  }
  return found;
}

const described = join(repository, "../shared/requirements/signstar.md");
test.skipIf(!existsSync(described))("no command of the text that describes it is left out (needs ../shared)", () => {
  const text = readFileSync(described, "utf8");
  const start = text.indexOf("Start a test container");
  const wanted = commandsIn(text.slice(start, text.indexOf("Contributing", start)));
  expect(wanted.size).toBeGreaterThan(50);
  const parts = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".sh"));
  const done = commandsIn(parts.map((name) => readFileSync(join(import.meta.dirname, name), "utf8")).join("\n"));
  expect([...wanted].filter((command) => !done.has(command))).toEqual([]);
});
