import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { beforeSignal, uninterrupted } from "./uninterrupted.ts";

test("gives the result, or the error, and leaves no listener", async () => {
  const before = process.listenerCount("SIGINT");
  expect(await uninterrupted(() => 1)).toBe(1);
  const failing = uninterrupted(() => {
    throw new RangeError("x");
  });
  await expect(failing).rejects.toThrow(RangeError);
  expect(process.listenerCount("SIGINT")).toBe(before);
});

test("a signal in the middle takes effect after the work", () => {
  const script = `
    import { beforeSignal, uninterrupted } from "./uninterrupted.ts";
    import { execFileSync } from "node:child_process";
    import { readFile } from "node:fs/promises";
    await readFile("/proc/self/stat");
    await uninterrupted(() => {
      execFileSync("kill", ["-TERM", String(process.pid)]);
      process._rawDebug("done");
    });
    process._rawDebug("not reached");`;
  const options = { cwd: import.meta.dirname, encoding: "utf8", stdio: "pipe" } as const;
  let ended: unknown;
  try {
    execFileSync(process.execPath, ["--input-type=module", "-e", script], options);
  } catch (error) {
    ended = error;
  }
  expect(ended).toMatchObject({ signal: "SIGTERM", stderr: "done\n" });
});

test("something is cleaned up before a signal takes effect", () => {
  const script = `
    import { beforeSignal } from "./uninterrupted.ts";
    using held = beforeSignal(() => process._rawDebug("cleaned"));
    process.kill(process.pid, "SIGINT");
    process._rawDebug("still in this turn");
    await new Promise((resolve) => setTimeout(resolve, 5000));
    process._rawDebug("not reached");`;
  const ended = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  expect(ended).toMatchObject({ signal: "SIGINT", stderr: expect.stringMatching(/still in this turn\ncleaned\n$/) });
});

test("what was held is let go", () => {
  const before = process.listenerCount("SIGINT");
  beforeSignal(() => undefined)[Symbol.dispose]();
  expect(process.listenerCount("SIGINT")).toBe(before);
});
