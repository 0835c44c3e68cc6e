import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeTurn } from "./turn.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "turn-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a turn", () => {
  test("is one at a time, and everybody gets one", async () => {
    let inside = 0;
    let most = 0;
    const one = async () => {
      using _turn = await takeTurn(directory, 60_000);
      inside += 1;
      most = Math.max(most, inside);
      await setImmediate();
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, one));
    expect(most).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("of a process that was killed is over", async () => {
    const dead = spawnSync("true").pid;
    writeFileSync(join(directory, `.${dead}-1-00000000.turn`), "");
    writeFileSync(join(directory, ".hello.turn"), "");
    using _turn = await takeTurn(directory, 0);
    expect(readdirSync(directory)).toEqual([expect.stringMatching(/^\.\d+-\d+-[0-9a-f]{8}\.turn$/)]);
  });

  test("is not waited for without end", async () => {
    using _turn = await takeTurn(directory, 0);
    await expect(takeTurn(directory, 0)).rejects.toMatchObject({
      name: "HostError",
      code: "too-many-uploads",
      exit: 75,
    });
    expect(readdirSync(directory).length).toBe(1);
  });

  test("is taken in a directory of one's own only", async () => {
    chmodSync(directory, 0o777);
    await expect(takeTurn(directory, 0)).rejects.toMatchObject({ code: "staging-unusable" });
    await expect(takeTurn(join(directory, "missing"), 0)).rejects.toMatchObject({ code: "staging-unusable" });
  });
});
