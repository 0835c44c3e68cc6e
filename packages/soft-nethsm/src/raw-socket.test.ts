/** What is no request, or not all of one, over real connections: the device goes on, and nothing of it changes. */

import { setTimeout as sleep } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "./testing.ts";

const admin = login(testUsers.admin);
const authorization = `Basic ${Buffer.from(admin.join(":")).toString("base64")}`;
let hsm: ProvisionedSoftNethsm;
const uncaught: unknown[] = [];
const onUncaught = (error: unknown) => uncaught.push(error);

beforeAll(async () => {
  process.on("uncaughtExceptionMonitor", onUncaught).on("unhandledRejection", onUncaught);
  hsm = await provisioned();
});
afterAll(async () => {
  await hsm.close();
  process.off("uncaughtExceptionMonitor", onUncaught).off("unhandledRejection", onUncaught);
});

async function open(): Promise<TLSSocket> {
  const { hostname, port } = new URL(hsm.url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  socket.on("error", () => undefined);
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("close", reject));
  return socket;
}

/** All that comes back until the other side ends, or nothing more comes within a moment. */
async function answerTo(...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = await open();
  let text = "";
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const answered = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      resolve();
    });
  });
  for (const piece of pieces) socket.write(piece);
  await Promise.race([ended, answered.then(() => sleep(50)), sleep(400)]);
  socket.destroy();
  return text;
}

async function contents(): Promise<readonly unknown[]> {
  const paths = ["/users", "/keys", "/namespaces", "/config/network", "/config/logging"];
  return Promise.all(paths.map(async (path) => (await hsm.request("GET", path, { user: admin })).json()));
}

const post = (path: string, headers: string, body = "") =>
  `POST /api/v1${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;
const user = JSON.stringify({ realName: "x", role: "Operator", passphrase: "xxxxxxxxxx" });

test.each([
  ["no HTTP at all", "hello\r\n\r\n", /^HTTP\/1\.1 (?:400|501)/],
  ["a method of its own", "BREW /api/v1/keys HTTP/1.1\r\nhost: x\r\n\r\n", /^HTTP\/1\.1 501/],
  ["headers without end", `GET /api/v1/info HTTP/1.1\r\nx: ${"x".repeat(200_000)}`, /^(?:HTTP\/1\.1 431|$)/],
  ["a long target", `GET /api/v1/keys?${"x".repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, /^HTTP\/1\.1 414/],
  ["two lengths", post("/users", "content-length: 3\r\ncontent-length: 4\r\n", "abc"), /^HTTP\/1\.1 400/],
  [
    "a length and chunks",
    post("/users", "content-length: 3\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
    /^HTTP\/1\.1 400/,
  ],
  ["a negative length", post("/users", "content-length: -1\r\n"), /^HTTP\/1\.1 400/],
  ["a bad chunk", post("/users", "transfer-encoding: chunked\r\n", "zz\r\nabc\r\n"), /^(?:HTTP\/1\.1 400|$)/],
  ["a header of odd bytes", "GET /api/v1/info HTTP/1.1\r\nhost: x\r\nx\0y: z\r\n\r\n", /^HTTP\/1\.1 400/],
  ["no host", "GET /api/v1/info HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 (?:200|400)/],
])("%s", async (_, bytes, answer) => {
  const before = await contents();
  expect(await answerTo(bytes)).toMatch(answer);
  expect(await contents()).toEqual(before);
});

test("a body that stops half-way holds nobody up and is not taken for a whole one", async () => {
  const before = await contents();
  const whole = post("/users", `content-length: ${user.length}\r\n`, user);
  const half = whole.slice(0, -10);
  const waiting = await open();
  waiting.write(half);
  const leaving = await open();
  leaving.write(half);
  await sleep(50);
  leaving.destroy();
  const halfClosed = await open();
  halfClosed.end(half);
  expect(await answerTo("GET /api/v1/health/state HTTP/1.1\r\nhost: x\r\n\r\n")).toContain("Operational");
  expect((await hsm.request("PUT", "/namespaces/meanwhile", { user: admin })).status).toBe(204);
  expect((await hsm.request("DELETE", "/namespaces/meanwhile", { user: admin })).status).toBe(204);
  waiting.destroy();
  await sleep(50);
  expect(await contents()).toEqual(before);
});

test("a slow body counts when it is whole, in pieces of any size", async () => {
  const socket = await open();
  const answer = new Promise<string>((resolve) => socket.once("data", (chunk: Buffer) => resolve(chunk.toString())));
  const bytes = post("/users/slow", `content-length: ${user.length}\r\n`, user).replace("POST", "PUT");
  for (let at = 0; at < bytes.length; at += 40) {
    socket.write(bytes.slice(at, at + 40));
    await sleep(2);
  }
  expect(await answer).toMatch(/^HTTP\/1\.1 201/);
  socket.destroy();
  expect((await hsm.request("DELETE", "/users/slow", { user: admin })).status).toBe(204);
});

test("bytes of any kind, whole or cut, pipelined: no exception, no hang, no change", { timeout: 60_000 }, async () => {
  const before = await contents();
  const piece = fc.oneof(
    fc.constantFrom(
      "GET /api/v1/info HTTP/1.1\r\nhost: x\r\n\r\n",
      "GET /api/v1/health/state HTTP/1.0\r\n\r\n",
      post("/users", "content-length: 5\r\n", "short"),
      post("/keys/generate", "transfer-encoding: chunked\r\n", "3\r\n{}{\r\n0\r\n\r\n"),
      "HEAD /api/v1/users HTTP/1.1\r\nhost: x\r\n\r\n",
      "PUT /api/v1/namespaces/x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
      "\r\n\r\n",
      "GET ",
      ": ",
    ),
    fc.uint8Array({ maxLength: 60 }),
  );
  const sequence = fc.array(piece, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sequence, fc.boolean(), async (pieces, half) => {
      const socket = await open();
      for (const each of pieces) socket.write(each);
      if (half) socket.end();
      await Promise.race([sleep(15), new Promise((resolve) => socket.once("close", resolve))]);
      socket.destroy();
    }),
    { numRuns: 1_000_000, interruptAfterTimeLimit: 3000, markInterruptAsFailure: false },
  );
  expect(await answerTo("GET /api/v1/health/state HTTP/1.1\r\nhost: x\r\n\r\n")).toContain("Operational");
  expect(await contents()).toEqual(before);
  expect(uncaught).toEqual([]);
});
