// needs: openssl gpg sq sqop
/** The walk-through of the command line, against a software device, under the eyes of other people's programs. */
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [script.stdout, script.stderr]) stream.on("data", (data: Buffer) => (output += data));
    const code = await new Promise((resolve) => script.on("close", resolve));
    expect(code, output.slice(-4000)).toBe(0);
    expect(output).toMatch(/walkthrough: done\n$/);
  },
  300_000,
);
