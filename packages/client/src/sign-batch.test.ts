import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { finishSha512 } from "@signstar/hash-state/resume";
import { toHex, toUtf8 } from "@signstar/primitives/bytes";
import { Exit } from "@signstar/primitives/failure";
import { encodeBatchAnswer, parseBatchFrame } from "@signstar/signing-request/batch";
import { afterAll, beforeEach, expect, test } from "vitest";
import { ClientError } from "./errors.ts";
import type { OpenLink } from "./link.ts";
import { signFiles } from "./sign-files.ts";
import { SoftwareSigner } from "./testing/software-signer.ts";

const root = mkdtempSync(join(tmpdir(), "batch-"));
afterAll(() => rmSync(root, { recursive: true }));
const signer = new SoftwareSigner();

let folder = "";
let notes: string[] = [];
beforeEach(() => {
  notes = [];
  folder = mkdtempSync(join(root, "x"));
});

interface Behaviour {
  /** Frames after which the session ends. */
  readonly frames?: number;
  /** Answers kept back until as many wait, and then sent last first. */
  readonly backlog?: number;
  readonly exit?: number;
}

/** Servers in this process, one behaviour per connection; `mostPending` is how many frames waited at most. */
function serverOf(...behaviours: Behaviour[]) {
  const seen = { opened: 0, mostPending: 0 };
  const open: OpenLink = () => {
    const { frames = Number.POSITIVE_INFINITY, backlog = 1, exit = 0 } = behaviours[seen.opened] ?? {};
    seen.opened += 1;
    const output = new PassThrough();
    const kept: string[] = [];
    let count = 0;
    const flush = (): void => {
      for (const answer of kept.splice(0).toReversed()) output.write(`${answer}\n`);
    };
    const end = (): void => {
      flush();
      output.end();
    };
    return {
      async send(text) {
        if (count === frames) return;
        const frame = parseBatchFrame(toUtf8(text.trimEnd()));
        if ("refusal" in frame) throw frame.refusal;
        const { state } = frame.request.input;
        const { signature } = JSON.parse(signer.response(state)) as { signature: string };
        kept.push(encodeBatchAnswer({ id: frame.id, digest: toHex(finishSha512(state)), signature }));
        seen.mostPending = Math.max(seen.mostPending, kept.length);
        count += 1;
        if (kept.length >= backlog) flush();
        if (count === frames) end();
      },
      finish: end,
      output,
      ended: finished(output, { writable: false }).then(
        () => ({ exit, signal: undefined }),
        () => ({ exit: undefined, signal: "SIGTERM" }),
      ),
      close: () => void output.destroy(),
    };
  };
  return { seen, open };
}

function sign(open: OpenLink, count: number, options: { timeoutMs?: number; lastBytes?: number } = {}): Promise<void> {
  const files = Array.from({ length: count }, (_, i) => join(folder, String(i)));
  for (const file of files) writeFileSync(file, file);
  // Long enough to hash for a connection to end meanwhile.
  if (options.lastBytes !== undefined) truncateSync(files.at(-1) ?? "", options.lastBytes);
  return signFiles({
    files,
    targets: files.map((file) => `${file}.sig`),
    exchange: async () => {
      throw new ClientError("usage", "one by one");
    },
    batch: { open, host: "signer", timeoutMs: options.timeoutMs ?? 5000 },
    layout: "final",
    certificate: undefined,
    armor: false,
    force: false,
    skipExisting: false,
    write: () => undefined,
    note: (line) => notes.push(line),
    status: () => undefined,
  });
}

const signatures = (): number => readdirSync(folder).filter((name) => /^\d+\.sig$/.test(name)).length;
const leftovers = (): string[] => readdirSync(folder).filter((name) => name.startsWith("."));

test("answers may come in any order", async () => {
  const { open, seen } = serverOf({ backlog: 10 });
  await sign(open, 95);
  expect([signatures(), leftovers(), notes, seen.opened]).toEqual([95, [], [], 1]);
});

test("no more than 128 requests wait for an answer", async () => {
  const { open, seen } = serverOf({ backlog: 1000 });
  await expect(sign(open, 300, { timeoutMs: 300 })).rejects.toMatchObject({ exit: Exit.tempFail });
  expect(seen.mostPending).toBe(128);
  expect(notes[0]).toBe("no answer from signer within 0.3 s");
});

test("a session that ends between two files is followed by another", async () => {
  const { open, seen } = serverOf({ frames: 3, exit: 66 }, {});
  await sign(open, 4, { lastBytes: 48 * 2 ** 20 });
  expect([signatures(), seen.opened]).toEqual([4, 2]);
});

test("one that ends before it has answered anything ends the run", async () => {
  const { open } = serverOf({ frames: 0, backlog: 2, exit: 75 });
  const none: OpenLink = (word) => {
    const link = open(word);
    link.finish();
    return link;
  };
  await expect(sign(none, 2)).rejects.toMatchObject({ exit: Exit.tempFail });
  expect([signatures(), leftovers()]).toEqual([0, []]);
});

test("64, or 1, before any answer means one file per connection", async () => {
  for (const exit of [64, 1]) {
    const { open } = serverOf({ frames: 0, exit });
    const none: OpenLink = (word) => {
      const link = open(word);
      link.finish();
      return link;
    };
    notes = [];
    await expect(sign(none, 2)).rejects.toMatchObject({ code: "some-failed", exit: Exit.usage });
    expect(notes[0]).toBe("signer signs one file per connection");
    expect(notes[1]).toMatch(/one by one$/);
  }
});
