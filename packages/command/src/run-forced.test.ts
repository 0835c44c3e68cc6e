import { PassThrough } from "node:stream";
import { Exit, Failure } from "@signstar/primitives/failure";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Io } from "./io.ts";
import { reportOf } from "./report.ts";
import { clientReport, type ForcedCommand, runForcedWith } from "./run-forced.ts";

function fakeIo(): Io & { readonly payload: string[] } {
  const payload: string[] = [];
  return {
    payload,
    stdin: new PassThrough(),
    stderrIsTerminal: false,
    stdoutIsTerminal: false,
    readStdin: async () => new Uint8Array(),
    write: (text) => void payload.push(String(text)),
    stream: async (text) => void payload.push(String(text)),
    note: () => undefined,
    status: () => undefined,
  };
}

const program: ForcedCommand = {
  name: "keep",
  summary: "keep things",
  options: [
    { name: "config", short: "c", value: "FILE", description: "configuration" },
    { name: "root", value: "DIR", description: "prefix" },
  ],
  arguments: [
    { name: "confirm", description: "", optional: true },
    { name: "SHA256", description: "", optional: true },
  ],
  accepts: [[], ["confirm", /[0-9a-f]{64}/]],
  begin: () => ({
    async run({ options, args, io }) {
      io.write(JSON.stringify([options.text("config"), ...args]));
    },
  }),
};
const digest = "0f".repeat(32);

async function outcome(sent: string, argv: readonly string[] = []): Promise<string> {
  const io = fakeIo();
  await runForcedWith(program, argv, sent, io);
  return io.payload.join("");
}

describe("runForcedWith", () => {
  test("passes the client's words on when they are on the list", async () => {
    expect(await outcome("")).toBe("[null]");
    expect(await outcome(`confirm ${digest}`, ["--config", "/x"])).toBe(`["/x","confirm","${digest}"]`);
    expect(await outcome(`  confirm   ${digest} `, ["-c/x"])).toBe(`["/x","confirm","${digest}"]`);
  });

  test.each([
    "rm -rf /",
    "confirm",
    `confirm ${digest}0`,
    `confirm ${digest}\n`,
    `confirm\t${digest}`,
    `confirm ${digest} more`,
    "--root /tmp",
    "--help",
    "-c /etc/passwd",
    " ".repeat(2000),
  ])("refuses %j", async (sent) => {
    await expect(outcome(sent)).rejects.toMatchObject({ code: "forbidden-words", exit: 64 });
  });

  test("refuses any words that are not on the list", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), async (sent) => {
        fc.pre(sent.trim() !== "");
        await expect(outcome(sent)).rejects.toMatchObject({ exit: 64 });
      }),
    );
  });

  test("names what it accepts", async () => {
    await expect(outcome("ls")).rejects.toMatchObject({ hint: "accepted: no command at all, confirm SHA256" });
  });

  test.each([[["--nope"]], [["extra"]], [["--config"]], [["--config", "a", "--config", "b"]]])(
    "refuses %j as its own options",
    async (argv) => {
      await expect(outcome("", argv)).rejects.toMatchObject({ code: "usage", exit: 64 });
    },
  );

  test("has help and version", async () => {
    expect(await outcome("", ["--help"])).toContain("usage: keep [options]");
    expect(await outcome("ignored", ["--version"])).toMatch(/^keep \S+\n$/);
  });
});

class DoorError extends Failure<"shut"> {}

describe("clientReport", () => {
  const shown = (thrown: unknown): unknown => clientReport(thrown, reportOf(thrown));

  test("shows a message only when it is safe for the client", () => {
    const hint = "ask /etc/secret";
    const hidden = new DoorError("shut", Exit.unavailable, "no route to 10.0.0.7 as operator9", { hint });
    expect(shown(hidden)).toEqual({ message: "the service is not available", hint: undefined });
    const safe = new DoorError("shut", Exit.data, "member 'x' is unknown", { clientSafe: true, hint: "remove it" });
    expect(shown(safe)).toMatchObject({ message: "member 'x' is unknown", hint: "remove it" });
  });

  test("shows a bug as an id", () => {
    expect(shown(new TypeError("at /usr/lib/x"))).toMatchObject({
      message: expect.stringMatching(/^internal error [0-9a-f]{8}$/),
    });
  });
});
