// needs: mandoc bash zsh fish script
/** Manual pages and completion scripts of all executables, under the eyes of those who read them. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { executables } from "../../scripts/executables.ts";
import { writeManual } from "../../scripts/man.ts";

let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "manual-"));
  await writeManual(directory, new Date("2026-11-21T00:00:00Z"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(command: string, ...args: string[]): { status: number | null; output: string } {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: directory,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], TERM: "dumb", HOME: directory },
  });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

describe("manual pages", () => {
  test("are there for every executable and pass mandoc's checks", () => {
    const pages = readdirSync(join(directory, "man"));
    for (const { name, runner } of executables) expect(pages).toContain(`${name}.${runner === "forced" ? 8 : 1}`);
    expect(pages).toContain("nethsm-key-sign.1");
    const lint = run("mandoc", "-T", "lint", "-W", "warning", ...pages.map((page) => join("man", page)));
    expect(lint).toEqual({ status: 0, output: "" });
  });

  test("are read as they are meant", () => {
    const { output } = run("mandoc", "-T", "ascii", join("man", "nethsm-key-sign.1"));
    const text = output.replaceAll(/.\x08/g, "");
    expect(text).toContain("nethsm key sign [options] KEY_ID SIGNATURE_TYPE MESSAGE");
    expect(text).toMatch(/-o, --output FILE/);
  });
});

/** The words before the cursor, and what must be among the candidates. */
const lines: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ["nethsm", ""],
    ["key", "user", "doctor"],
  ],
  [["nethsm", "-l", "key", "he"], ["health"]],
  [["nethsm", "key", "sign", "--f"], ["--force"]],
  [["nethsm", "key", "sign", "id", "Ed"], ["EdDsa"]],
  [
    ["nethsm", "key", "import", "--format", ""],
    ["Der", "Pem"],
  ],
  [["nethsm", "key", "generate", "Rsa", "RsaSignaturePkcs1", "RsaDecryptionP"], ["RsaDecryptionPkcs1"]],
  [["nethsm", "--config", "x", "config", "set", "boot-mode", "U"], ["Unattended"]],
];

describe.each(lines)("completion of %j", (words, expected) => {
  const last = words.at(-1) ?? "";
  const listed = (output: string) => output.split("\n").map((line) => line.split("\t")[0] ?? "");

  test("in bash", () => {
    const script = `source completions/bash/nethsm; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nethsm; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const found = listed(run("bash", "-c", script, "bash", ...words).output);
    expect(found).toEqual(expect.arrayContaining([...expected]));
    expect(found.filter((word) => word !== "" && !word.startsWith(last))).toEqual([]);
  });

  test("in zsh", () => {
    const script = `compdef() { : }; compadd() { shift; print -l -- "$@" }; _files() { : }; source completions/zsh/_nethsm; words=("$@"); CURRENT=$#; _nethsm`;
    expect(listed(run("zsh", "-fc", script, "zsh", ...words).output)).toEqual(expect.arrayContaining([...expected]));
  });

  test("in fish", () => {
    const script = `source completions/fish/nethsm.fish; complete -C "${words.join(" ")}"`;
    expect(listed(run("fish", "--no-config", "-c", script).output)).toEqual(expect.arrayContaining([...expected]));
  });
});

test("every script is one that its shell can read", () => {
  for (const { name, runner } of executables) {
    if (runner === "forced") continue;
    expect(run("bash", "-n", join("completions/bash", name))).toEqual({ status: 0, output: "" });
    expect(run("zsh", "-fn", join("completions/zsh", `_${name}`))).toEqual({ status: 0, output: "" });
    expect(run("fish", "--no-config", "-n", join("completions/fish", `${name}.fish`))).toEqual({
      status: 0,
      output: "",
    });
  }
});

test("a person presses the tab key in bash", async () => {
  const child = spawn("script", ["-qec", "bash --norc --noprofile -i", "/dev/null"], {
    cwd: directory,
    env: { PATH: process.env["PATH"], TERM: "dumb", PS1: "> ", HOME: directory },
  });
  let screen = "";
  child.stdout.on("data", (data: Buffer) => {
    screen += data.toString();
  });
  child.stdin.write('stty cols 200; nethsm() { echo "called: $*"; }; source completions/bash/nethsm\n');
  child.stdin.write("nethsm key pub\tid EdDsa; exit\n");
  await new Promise((resolve) => child.on("close", resolve));
  expect(screen).toContain("called: key public-key id EdDsa");
});
