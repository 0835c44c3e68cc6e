import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { jsonLine, openJournal, Priority } from "./journal.ts";

const directory = mkdtempSync(join(tmpdir(), "signstar-journal-"));
afterAll(() => rmSync(directory, { recursive: true }));
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function journald(onSocket: (socket: Socket) => void): Promise<string> {
  const socketPath = join(directory, `stdout-${servers.length}-${Math.random()}`);
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return socketPath;
}

const identity = { identifier: "signstar-probe", session: "s1" };

describe("a journal", () => {
  test("speaks the stream protocol and numbers its entries", async () => {
    let received = "";
    let ended: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const socketPath = await journald((socket) => {
      socket.on("data", (chunk) => {
        received += chunk.toString();
      });
      socket.on("end", () => ended());
    });
    const journal = await openJournal({ ...identity, socketPath });
    await journal.entry({ event: "start", user: "a\nb\u009b\u202e", gone: undefined });
    await journal.entry({ event: "refusal", exit: 65 }, Priority.warning);
    journal.close();
    await closed;
    expect(received).toBe(
      [
        "signstar-probe",
        "",
        "6",
        "1",
        "0",
        "0",
        "0",
        '<6>{"event":"start","session":"s1","seq":1,"user":"a\\nb\\u009b\\u202e"}',
        '<4>{"event":"refusal","session":"s1","seq":2,"exit":65}',
        "",
      ].join("\n"),
    );
  });

  test("takes many entries at once, in order, and has each when that one resolves", async () => {
    let received = "";
    const socketPath = await journald((socket) => {
      socket.on("data", (chunk) => {
        received += chunk.toString();
      });
    });
    const journal = await openJournal({ ...identity, socketPath });
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        if (i % 3 === 0) await new Promise(setImmediate);
        await journal.entry({ event: "x", i });
        // The kernel has it: this process alone could not say so.
        await expect.poll(() => received).toContain(`"i":${i}}`);
      }),
    );
    const entries = received.split("\n").slice(7, -1);
    expect(entries.map((line) => Number(/"seq":(\d+)/.exec(line)?.[1]))).toEqual(entries.map((_, i) => i + 1));
    expect(entries.length).toBe(200);
  });

  test("cuts long fields", async () => {
    let received = "";
    const socketPath = await journald((socket) => {
      socket.on("data", (chunk) => {
        received += chunk.toString();
      });
    });
    const journal = await openJournal({ ...identity, socketPath });
    await journal.entry({ event: "x", name: "y".repeat(100_000) });
    await expect.poll(() => received.length).toBeGreaterThan(1000);
    expect(received.length).toBeLessThan(1300);
  });

  test("is unreachable when nobody listens", async () => {
    const opening = openJournal({ ...identity, socketPath: join(directory, "nobody") });
    await expect(opening).rejects.toMatchObject({ code: "journal-unreachable", exit: 75 });
  });

  test("is unreachable when the path is no socket path", async () => {
    const opening = openJournal({ ...identity, socketPath: `/${"x".repeat(200)}` });
    await expect(opening).rejects.toMatchObject({ code: "journal-unreachable" });
  });

  test("fails when the reader has gone", async () => {
    let reader: Socket | undefined;
    const socketPath = await journald((socket) => {
      reader = socket;
    });
    const journal = await openJournal({ ...identity, socketPath });
    await expect.poll(() => reader).toBeDefined();
    reader?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(journal.entry({ event: "x" })).rejects.toMatchObject({ code: "journal-unreachable" });
  });

  test("does not wait for a reader that does not read", async () => {
    const socketPath = await journald((socket) => socket.pause());
    const journal = await openJournal({ ...identity, socketPath, deadlineMs: 100 });
    const flood = async (): Promise<void> => {
      for (;;) await journal.entry({ event: "x", text: "y".repeat(1000) });
    };
    await expect(flood()).rejects.toMatchObject({ code: "journal-unreachable" });
  });
});

describe("jsonLine", () => {
  test("is JSON of the same value, on one line, without characters that a terminal obeys", async () => {
    await fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), (value) => {
        const line = jsonLine(value);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(JSON.parse(line)).toEqual(value);
      }),
    );
  });
});
