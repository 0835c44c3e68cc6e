// needs: strace
/**
 * Killed at every system call that changes the data directory: what was answered is there, what was under way is there
 * as a whole or not at all. The thread that does the file work is traced, so that a call has the same number each time.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Device } from "./device.ts";
import { FileStorage } from "./file-storage.ts";
import { unlock } from "./lifecycle.ts";

const program = join(import.meta.dirname, "testing", "crash-run.ts");
const traced =
  "openat,mkdir,write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,link,unlink,unlinkat,ftruncate";
const atATime = 2;

/** What the device holds after so many of the changes that the program makes. */
const held = [
  { state: "Unprovisioned" },
  { state: "Locked", users: [["admin", []]], keys: [] },
  // From here on it boots unattended.
  { state: "Operational", users: [["admin", []]], keys: [] },
  {
    state: "Operational",
    users: [
      ["admin", []],
      ["op", []],
    ],
    keys: [],
  },
  {
    state: "Operational",
    users: [
      ["admin", []],
      ["op", ["t"]],
    ],
    keys: [],
  },
  {
    state: "Operational",
    users: [
      ["admin", []],
      ["op", ["t"]],
    ],
    keys: ["/key/k"],
  },
];

/** Null where only root may trace another process: then this says why. */
const obstacle =
  process.geteuid?.() !== 0 && yamaScope() !== "0" ? "tracing another process needs root here (ptrace_scope)" : null;
if (obstacle !== null) console.log(`killed at every write: skipped, ${obstacle}`);

test.skipIf(obstacle !== null)(
  "killed at every write, nothing that was answered is lost",
  { timeout: 480_000 },
  async () => {
    const work = mkdtempSync(join(tmpdir(), "soft-nethsm-crash-"));
    try {
      const log = join(work, "log");
      const whole = await runTraced(join(work, "whole"), ["-y", "-o", log]);
      expect([whole.killed, whole.answered]).toEqual([false, held.length - 1]);
      const points = pointsIn(readFileSync(log, "utf8"), join(work, "whole"));
      // A new file, its bytes, its sync, its new name and the directory's sync, at least, for each commit.
      expect(points.length).toBeGreaterThan(5 * held.length);
      const waiting = points.entries();
      let whereItShould = 0;
      const one = async () => {
        for (const [i, point] of waiting) {
          await killedAt(join(work, String(i)), point);
          whereItShould += 1;
        }
      };
      await Promise.all(Array.from({ length: atATime }, one));
      console.log(`killed at every write: ${whereItShould} of ${points.length} reopened with all that was answered`);
      expect(whereItShould).toBe(points.length);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
);

interface Point {
  readonly call: string;
  /** Which of the calls of this name, from 1. */
  readonly number: number;
}

/** The calls of a recorded run that name the directory or a file in it. */
function pointsIn(log: string, directory: string): readonly Point[] {
  const numbers = new Map<string, number>();
  return log.split("\n").flatMap((line) => {
    const call = /^(\w+)\(/.exec(line)?.[1];
    if (call === undefined) return [];
    const number = (numbers.get(call) ?? 0) + 1;
    numbers.set(call, number);
    return line.includes(directory) ? [{ call, number }] : [];
  });
}

async function killedAt(directory: string, { call, number }: Point): Promise<void> {
  const run = await runTraced(directory, ["-o", "/dev/null", `--inject=${call}:signal=KILL:when=${number}`]);
  const where = `${call} number ${number}, after ${run.answered} answers`;
  expect(run.killed, where).toBe(true);
  const now = await contents(directory);
  expect([held[run.answered], held[run.answered + 1]], where).toContainEqual(now);
}

interface Run {
  readonly killed: boolean;
  readonly answered: number;
}

async function runTraced(directory: string, options: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [program, directory], { env: { UV_THREADPOOL_SIZE: "1" } });
  const ended = once(child, "close");
  const lines = outputOf(child);
  await lines.ready;
  const strace = spawn("strace", ["-p", fileThreadOf(child.pid), "-e", `trace=${traced}`, ...options]);
  const traceEnded = once(strace, "close");
  await Promise.race([once(strace.stderr, "data"), traceEnded]);
  child.stdin.write("go\n");
  const [, signal] = await ended;
  await traceEnded;
  return { killed: signal === "SIGKILL", answered: lines.answered() };
}

/** The program says when it is ready, when the device is open, and then once for each change. */
function outputOf(child: ChildProcessWithoutNullStreams) {
  let text = "";
  const ready = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.startsWith("ready\n")) resolve();
    });
    child.once("close", () => resolve());
  });
  return { ready, answered: () => Math.max(0, text.split("\n").length - 3) };
}

function fileThreadOf(pid: number | undefined): string {
  const threads = readdirSync(`/proc/${pid}/task`);
  const found = threads.find((id) => readFileSync(`/proc/${pid}/task/${id}/comm`, "utf8").startsWith("libuv-worker"));
  if (found === undefined) throw new Error("the program has no thread for file work");
  return found;
}

async function contents(directory: string): Promise<unknown> {
  const device = await Device.open(await FileStorage.open(directory), { release: "5.0" });
  try {
    const { state } = device;
    if (state === "Unprovisioned") return { state };
    if (state === "Locked") await unlock(device, "unlock-unlock");
    const users = [...device.vault.users].map(([name, { tags }]) => [name, tags]);
    return { state, users, keys: [...device.vault.keys.keys()] };
  } finally {
    await device.end();
  }
}

function yamaScope(): string {
  try {
    return readFileSync("/proc/sys/kernel/yama/ptrace_scope", "utf8").trim();
  } catch {
    return "0";
  }
}
