import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type Behaviour, CredentialsService, recordedErrors } from "./testing/credentials-service.ts";
import { callVarlink, type VarlinkReply } from "./varlink.ts";

const directory = mkdtempSync(join(tmpdir(), "signstar-varlink-"));
afterAll(() => rmSync(directory, { recursive: true }));
let count = 0;

const freshPath = () => join(directory, `socket-${count++}`);

async function ask(behaviour: Behaviour, { maxBytes = 1000, deadlineMs = 5000 } = {}): Promise<VarlinkReply> {
  const socketPath = freshPath();
  await using service = await CredentialsService.listen(socketPath, behaviour);
  const reply = await callVarlink({
    socketPath,
    method: "io.example.Do",
    parameters: { a: "é" },
    maxBytes,
    deadlineMs,
  });
  expect(new Set(service.calls)).toEqual(new Set(['{"method":"io.example.Do","parameters":{"a":"é"}}\0']));
  return reply;
}

const failed = (message: string | RegExp) =>
  expect.objectContaining({ code: "service-failed", exit: 75, message: expect.stringMatching(message) });
const says =
  (text: string | Uint8Array): Behaviour =>
  (socket) =>
    socket.write(text);

describe("a call", () => {
  test("is one message, answered by one", async () => {
    const reply = await ask(says('{"parameters":{"data":"eA==","n":[1,{"m":null}]},"continues":false}\0'));
    expect(reply).toEqual({ error: undefined, parameters: { data: "eA==", n: [1, { m: null }] } });
    expect(await ask(says("{}\0"))).toEqual({ error: undefined, parameters: {} });
  });

  test("is answered by an error with its name", async () => {
    expect(await ask(says(recordedErrors.system))).toEqual({ error: "io.systemd.System", parameters: { errno: 2 } });
    expect(await ask(says('{"error":"org.varlink.service.PermissionDenied"}\0'))).toEqual({
      error: "org.varlink.service.PermissionDenied",
      parameters: {},
    });
  });

  test("is answered in any pieces", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 60 }), { maxLength: 5 }), fc.string(), async (cuts, text) => {
        const bytes = Buffer.from(`${JSON.stringify({ parameters: { text } })}\0`);
        const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const behaviour: Behaviour = async (socket) => {
          for (const [i, start] of places.slice(0, -1).entries()) {
            await new Promise((resolve) => socket.write(bytes.subarray(start, places[i + 1]), resolve));
            await new Promise(setImmediate);
          }
        };
        expect((await ask(behaviour)).parameters).toEqual({ text });
      }),
      { numRuns: 20 },
    );
  });

  test("is made again when the service closes the connection without a word, as systemd does with too many", async () => {
    let closed = 0;
    const reply = await ask((socket) => {
      closed += 1;
      if (closed <= 2) socket.destroy();
      else socket.write("{}\0");
    });
    expect([reply.error, closed]).toEqual([undefined, 3]);
  });
});

describe("a service fails", () => {
  test.each([
    ["that says nothing", () => undefined],
    ["that never ends", says('{"parameters":')],
    ["that always closes", (socket) => socket.end()],
  ] satisfies [string, Behaviour][])("%s until the deadline", async (_, behaviour) => {
    await expect(ask(behaviour, { deadlineMs: 150 })).rejects.toThrow(failed("was not answered within 150 ms"));
  });

  test.each([
    ["that stops in the middle", (socket) => socket.end('{"parameters":'), "in part"],
    ["that says too much", says(`{"parameters":{"data":"${"x".repeat(1000)}"}}\0`), "more than 1000 bytes"],
    ["that says too much without end", says("x".repeat(1001)), "more than 1000 bytes"],
    ["that says two things", says("{}\0{}\0"), "more than once"],
    ["that promises more", says('{"parameters":{},"continues":true}\0'), "no reply"],
    ["that says what is no object", says("[]\0"), "no reply"],
    ["that says null", says("null\0"), "no reply"],
    ["that says nothing but its end", says("\0"), "not JSON"],
    ["whose parameters are a list", says('{"parameters":[]}\0'), "no reply"],
    ["whose error has no name", says('{"error":7}\0'), "no reply"],
    ["that is not UTF-8", says(Uint8Array.of(0x22, 0xff, 0x22, 0)), "not JSON"],
  ] satisfies [string, Behaviour, string][])("%s", async (_, behaviour, message) => {
    await expect(ask(behaviour)).rejects.toThrow(failed(message));
  });

  test("without a word of what it has said", async () => {
    const problem = await ask(says('{"parameters":{"data":"c2VjcmV0" oops}}\0')).catch((thrown: unknown) => thrown);
    expect(problem).toMatchObject({ code: "service-failed" });
    expect(inspect(problem)).not.toContain("c2VjcmV0");
  });
});

test("where nobody listens the service is missing", async () => {
  const deaf = freshPath();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(deaf, resolve));
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(deaf, "");
  for (const socketPath of [freshPath(), deaf]) {
    const call = { socketPath, method: "io.example.Do", parameters: {}, maxBytes: 1000, deadlineMs: 5000 };
    await expect(callVarlink(call)).rejects.toMatchObject({ code: "service-missing", exit: 78 });
  }
});
