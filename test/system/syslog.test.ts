// needs: logger systemd-socket-activate
/** The receiver of the devices' logs, started as its socket unit would, with a recorder in the place of the journal. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { repository } from "../../scripts/bundle.ts";

let directory: string;
let journal: Server;
/** What arrived on each connection to the journal. */
let streams: { text: string; socket: Socket }[];
let receiver: ChildProcess | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "signstar-syslog-"));
  streams = [];
  journal = createServer((socket) => {
    const stream = { text: "", socket };
    streams.push(stream);
    socket.on("data", (bytes) => {
      stream.text += String(bytes);
    });
  }).listen(join(directory, "journal"));
  await once(journal, "listening");
});

afterEach(() => {
  receiver?.kill();
  for (const { socket } of streams) socket.destroy();
  journal.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Returns the port. */
async function start(address: string): Promise<number> {
  const port = await freePort();
  const words = [process.execPath, join(repository, "systemd/scripts/receive-syslog.ts"), join(directory, "journal")];
  receiver = spawn("systemd-socket-activate", ["--datagram", "-l", `${address}:${port}`, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  for await (const line of createInterface({ input: receiver.stderr ?? process.stdin })) {
    if (line.startsWith("Listening on")) break;
  }
  return port;
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

async function send(port: number, message: string | Uint8Array, from = "127.0.0.1"): Promise<void> {
  const socket = createSocket("udp4").bind(0, from);
  await once(socket, "listening");
  await new Promise((resolve) => socket.send(message, port, "127.0.0.1", resolve));
  socket.close();
}

const head = (identifier: string) => `${identifier}\n\n6\n1\n0\n0\n0\n`;
const texts = () => streams.map(({ text }) => text).sort();

test("what syslog's own tool sends reaches the journal with its severity", async () => {
  const port = await start("127.0.0.1");
  const words = [
    "--server",
    "127.0.0.1",
    "--port",
    String(port),
    "--udp",
    "--rfc3164",
    "-p",
    "auth.warning",
    "-t",
    "hsm",
  ];
  expect(spawnSync("logger", [...words, "user operator1 logged in"]).status).toBe(0);
  await vi.waitFor(() => expect(texts()[0]).toMatch(/ hsm: user operator1 logged in\n$/), 5000);
  expect(texts()).toEqual([expect.stringMatching(/^nethsm-127\.0\.0\.1\n\n6\n1\n0\n0\n0\n<4>[A-Z][a-z]{2} +\d/)]);
});

test("each device has its identifier, also on a socket for IPv4 and IPv6", async () => {
  const port = await start("[::]");
  await send(port, "<13>one\n", "127.0.0.2");
  await send(port, "<11>two", "127.0.0.3");
  await send(port, "<191>three", "127.0.0.2");
  const expected = [`${head("nethsm-127.0.0.2")}<5>one\n<7>three\n`, `${head("nethsm-127.0.0.3")}<3>two\n`];
  await vi.waitFor(() => expect(texts()).toEqual(expected), 5000);
});

test("a message is one line, of bounded length, whatever is in it", async () => {
  const port = await start("127.0.0.1");
  await send(port, "<1>a\n<0>nethsm-other\u0000\u001b[2J\u202e");
  await send(port, "<192>no priority");
  await send(port, "");
  await send(port, Uint8Array.of(0xff, 0xfe));
  await send(port, `<6>${"x".repeat(60_000)}`);
  const lines = [
    "<1>a\\u{a}<0>nethsm-other\\u{0}\\u{1b}[2J\\u{202e}",
    "<6><192>no priority",
    "<6>",
    "<6>\ufffd\ufffd",
    `<6>${"x".repeat(8192)}`,
  ];
  const expected = [`${head("nethsm-127.0.0.1")}${lines.map((line) => `${line}\n`).join("")}`];
  await vi.waitFor(() => expect(texts()).toEqual(expected), 5000);
});

test("made-up senders share one connection when there are many", async () => {
  const port = await start("127.0.0.1");
  for (let i = 1; i <= 40; i += 1) await send(port, "<6>x", `127.0.1.${i}`);
  await vi.waitFor(() => expect(texts().at(-1)?.split("\n")).toHaveLength(7 + 8 + 1), 5000);
  expect(texts()).toHaveLength(33);
  expect(texts().at(-1)).toMatch(/^nethsm-others\n\n6\n1\n0\n0\n0\n(?:<6>127\.0\.1\.(?:3[3-9]|40): x\n){8}$/);
});

test("without the journal it ends, for systemd to start it again", async () => {
  const port = await start("127.0.0.1");
  await send(port, "<6>one");
  await vi.waitFor(() => expect(texts()).toHaveLength(1), 5000);
  const ended = once(receiver ?? journal, "exit");
  streams[0]?.socket.destroy();
  expect(await ended).toEqual([74, null]);
});
