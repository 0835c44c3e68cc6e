// needs: script
/** Passphrases that a person types: a pseudo-terminal stands in for the person's. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../../scripts/bundle.ts";
import { executables } from "../../scripts/executables.ts";

let directory: string;
let settings: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "prompt-"));
  settings = join(directory, "config.toml");
  const executable = executables.find(({ name }) => name === "nethsm");
  if (executable === undefined) throw new Error("there is no nethsm");
  const { code } = await bundle(executable);
  writeFileSync(join(directory, "nethsm"), code.replace(/^#!.*/, `#!${process.execPath}`));
  chmodSync(join(directory, "nethsm"), 0o755);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Types each line when the question before it is there. */
async function typed(
  words: string,
  ...answers: readonly (readonly [string, string])[]
): Promise<{ code: number; screen: string }> {
  const command = `${join(directory, "nethsm")} --config ${settings} ${words}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { env: { PATH: process.env["PATH"], TERM: "xterm" } });
  let screen = "";
  let seen = 0;
  const waiting = [...answers];
  child.stdout.on("data", (data: Buffer) => {
    screen += data.toString();
    const [next] = waiting;
    if (next === undefined || !screen.slice(seen).includes(next[0])) return;
    seen = screen.length;
    waiting.shift();
    // The question is shown just before the terminal's echo is off.
    setTimeout(() => child.stdin.write(next[1]), 100);
  });
  const code = await new Promise<number>((resolve) => child.on("close", resolve));
  return { code, screen };
}

test("are asked for twice, without echo, and can be mended while typing", async () => {
  const added = await typed("env add device --label test https://127.0.0.1:1/api/v1 Unsafe");
  expect(added).toEqual({ code: 0, screen: "" });
  const wrong = await typed("env add credentials admin Administrator -w", ["admin: ", "one\r"], ["again: ", "two\r"]);
  expect([wrong.code, wrong.screen]).toEqual([
    64,
    expect.stringContaining("the two inputs of the passphrase of admin differ"),
  ]);
  const typing = ["X\u0015hunterß\u007f2\r", "hunter2\r"] as const;
  const right = await typed(
    "env add credentials admin Administrator -w",
    ["admin: ", typing[0]],
    ["again: ", typing[1]],
  );
  expect(right.code).toBe(0);
  expect(right.screen).not.toContain("hunter");
  expect(readFileSync(settings, "utf8")).toContain('passphrase = "hunter2"');
});

test("and names are asked for where nobody is known; ^C ends it", async () => {
  const { code, screen } = await typed("metrics", ["role Metrics: ", "metrics1\r"], ["metrics1: ", "passphrase\r"]);
  expect(code).toBe(69);
  expect(screen).toContain("passphrase of metrics1: ");
  const cancelled = await typed("metrics", ["role Metrics: ", "\u0003"]);
  expect([cancelled.code, cancelled.screen]).toEqual([64, expect.stringContaining("the question was not answered")]);
});
