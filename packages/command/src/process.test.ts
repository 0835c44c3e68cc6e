import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A process of its own whose program has this body (`io` is in scope). */
function program(
  body: string,
  { env = {}, room = "run", ended = "undefined", imports = "", stdout = "pipe" as "pipe" | number } = {},
) {
  const [call, open, close] =
    room === "run" ? ["run", "", ""] : ["runForced", `accepts: [[]], begin: () => ({ ended: ${ended},`, "}),"];
  const code = `import { ${call} } from "./${room}.ts"; ${imports}
    await ${call}({ name: "probe", summary: "a probe", ${open}
      async run({ io }) { ${body} }, ${close} });`;
  return spawn(process.execPath, ["--input-type=module-typescript", "-e", code], {
    cwd: import.meta.dirname,
    env: { PATH: "/usr/bin:/bin", ...env },
    stdio: ["pipe", stdout, "pipe"],
  });
}

async function ended(child: ReturnType<typeof program>): Promise<Ended> {
  const streams = [child.stdout, child.stderr].map((stream) => (stream === null ? "" : text(stream)));
  const [[code], out = "", err = ""] = await Promise.all([once(child, "close"), ...streams]);
  return { code, out, err };
}

async function fed(body: string, input: string, options = {}): Promise<Ended> {
  const child = program(body, options);
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  return ended(child);
}

const limit = "{ bytes: 10, deadlineMs: 300 }";

describe("a program as a process", () => {
  test("sends its payload after it has ended well", async () => {
    const { code, out, err } = await fed(
      `io.write("a"); io.note("b\\n"); io.write(await io.readStdin(${limit}));`,
      "xyz",
    );
    expect({ code, out, err }).toEqual({ code: 0, out: "axyz", err: "probe: b\\x0a\n" });
  });

  test("sends nothing when it fails late", async () => {
    const { code, out, err } = await fed(`io.write("half"); throw new RangeError("oops")`, "");
    expect({ code, out }).toEqual({ code: 70, out: "" });
    expect(err).toMatch(/^probe: error: internal error [0-9a-f]{8}\nprobe: trace: RangeError: oops\n/);
  });

  test("answers with the exit code of an answer", async () => {
    expect(await fed("return 2", "")).toEqual({ code: 2, out: "", err: "" });
  });

  test("refuses input above the limit while the sender still sends", async () => {
    const { code, err } = await fed(`await io.readStdin(${limit})`, "x".repeat(5_000_000));
    expect({ code, err }).toEqual({ code: 65, err: "probe: error: standard input is longer than 10 bytes\n" });
  });

  test("does not wait for input beyond the deadline", async () => {
    const child = program(`await io.readStdin(${limit})`);
    child.stdin?.write("x");
    const { code, err } = await ended(child);
    expect({ code, err }).toEqual({ code: 66, err: "probe: error: standard input did not end within 0.3 s\n" });
  });

  test.each([
    ["a timer", "setTimeout(() => { throw new Error('late') }, 1); await new Promise((r) => setTimeout(r, 5000))"],
    ["a forgotten promise", "void Promise.reject(new Error('late')); await new Promise((r) => setTimeout(r, 5000))"],
    ["a promise that nobody keeps", "await new Promise(() => undefined)"],
  ])("ends 70 after %s", async (_, body) => {
    const { code, out, err } = await fed(`io.write("x"); ${body}`, "");
    expect({ code, out }).toEqual({ code: 70, out: "" });
    expect(err).toContain("probe: error: internal error ");
  });

  test("ends though a handle was forgotten", async () => {
    expect(await fed("setInterval(() => undefined, 1000); io.write('ok')", "")).toEqual({
      code: 0,
      out: "ok",
      err: "",
    });
  });

  test("ends 74 when its reader has gone", async () => {
    const child = program(
      "await new Promise((r) => setTimeout(r, 200)); for (let i = 0; i < 100; i += 1) io.write(new Uint8Array(65536))",
    );
    child.stdout?.destroy();
    child.stdin?.end();
    const err = child.stderr === null ? "" : text(child.stderr);
    const [code] = await once(child, "exit");
    expect({ code, err: await err }).toEqual({
      code: 74,
      err: "probe: error: standard output was closed by its reader\n",
    });
  });

  test("ends 74 when its output has no room", async () => {
    const full = openSync("/dev/full", "w");
    const { code, err } = await fed("io.write('x')", "", { stdout: full });
    closeSync(full);
    expect(code).toBe(74);
    expect(err).toContain("probe: error: standard output cannot be written: ENOSPC");
  });

  test("streams with back-pressure", async () => {
    const body = "for (let i = 0; i < 64; i += 1) await io.stream(new Uint8Array(65536).fill(65))";
    const { code, out } = await fed(body, "");
    expect([code, out.length]).toEqual([0, 64 * 65536]);
  });
});

describe("a program behind ForceCommand as a process", () => {
  const room = "run-forced";

  test("hides what is not for the client, tells its journal all, and warns nobody", async () => {
    const ended = `async ({ exit, failure, correlationId }) => {
      process.stderr.write(JSON.stringify([exit, failure?.message, correlationId]) + "\\n"); }`;
    const { code, out, err } = await fed(
      "process.emitWarning('careful'); io.write('x'); throw new Error('/etc/shadow')",
      "",
      { room, ended },
    );
    expect({ code, out }).toEqual({ code: 70, out: "" });
    const [journal = "", shown, rest] = err.split("\n");
    const [exit, message, id] = JSON.parse(journal) as unknown[];
    expect([exit, message]).toEqual([70, "/etc/shadow"]);
    expect([shown, rest]).toEqual([`probe: error: internal error ${String(id)}`, ""]);
  });

  test("refuses words before it runs", async () => {
    const { code, out, err } = await fed("io.write('ran')", "", {
      room,
      env: { SSH_ORIGINAL_COMMAND: "sh -c '\x1b[2J'" },
    });
    expect({ code, out }).toEqual({ code: 64, out: "" });
    expect(err).toBe(
      "probe: error: the command 'sh -c '\\x1b[2J'' is not one of this account\nprobe: hint: accepted: no command at all\n",
    );
  });

  test("does not wait for a journal that hangs", async () => {
    const ended = "() => new Promise(() => undefined)";
    const { code, out } = await fed("io.write('x')", "", { room, ended });
    expect({ code, out }).toEqual({ code: 0, out: "x" });
  });

  test("loads neither commander nor the network", async () => {
    const body =
      "io.write(process.moduleLoadList.filter((m) => /^NativeModule (net|http|https|tls|child_process)$/.test(m)).join())";
    // A pipe on standard input needs node:net; a file does not.
    expect((await fed(body, "", { room })).out).not.toMatch(/http|tls|child_process/);
  });
});

test("a thread that cannot be stopped does not hold up the end", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signstar-fifo-"));
  const fifo = join(directory, "fifo");
  execFileSync("mkfifo", [fifo]);
  // Opened without O_NONBLOCK: a thread waits for a writer, as one would for a name server.
  const child = program(`io.write("payload"); open(${JSON.stringify(fifo)}, "r", () => undefined);`, {
    imports: 'import { open } from "node:fs";',
  });
  child.stdin?.end();
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  expect(await ended(child)).toEqual({ code: 0, out: "payload", err: "" });
  clearTimeout(late);
  rmSync(directory, { recursive: true });
});

describe("a program behind sshd", () => {
  test("does not show its client how it was called", async () => {
    const code = `import { runForced } from "./run-forced.ts";
      process.argv.push("program", "--nope=/srv/secret");
      await runForced({ name: "probe", summary: "a probe", accepts: [[]], begin: () => ({ async run() {} }) });`;
    const run = (env: Record<string, string>) =>
      ended(
        spawn(process.execPath, ["--input-type=module-typescript", "-e", code], {
          cwd: import.meta.dirname,
          env: { PATH: "/usr/bin:/bin", ...env },
          stdio: ["pipe", "pipe", "pipe"],
        }),
      );
    expect(await run({ SSH_CONNECTION: "192.0.2.7 50022 192.0.2.1 22" })).toEqual({
      code: 78,
      out: "",
      err: "probe: error: the service is not set up correctly\n",
    });
    expect(await run({})).toMatchObject({ code: 64, err: expect.stringContaining("--nope") });
  });

  test("that is stopped says so, records it and ends 75", async () => {
    const child = program(`io.write("half"); console.error("ready"); await new Promise((r) => setTimeout(r, 20_000))`, {
      room: "run-forced",
      ended: `async ({ exit, failure }) => console.error(exit, failure.code)`,
    });
    child.stderr?.once("data", () => child.kill("SIGTERM"));
    expect(await ended(child)).toEqual({
      code: 75,
      out: "",
      err: "ready\n75 stopped\nprobe: error: the service was stopped\nprobe: hint: try again later\n",
    });
  });

  test("that is stopped says no more, though it would have had an answer by then", async () => {
    const child = program(`console.error("ready"); await new Promise((r) => setTimeout(r, 100)); io.write("late");`, {
      room: "run-forced",
      ended: `async ({ exit }) => { await new Promise((r) => setTimeout(r, 400)); console.error(exit); }`,
    });
    child.stderr?.once("data", () => child.kill("SIGTERM"));
    const { code, out, err } = await ended(child);
    expect([code, out]).toEqual([75, ""]);
    expect(err.match(/^\d+$/gm)).toEqual(["75"]);
  });
});
