import { toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { expect, test } from "vitest";
import { NetHsm } from "./client.ts";
import { NetHsmError } from "./errors.ts";
import { parseKeyId, parseUserId } from "./ids.ts";
import { refusalError } from "./refusal.ts";
import { type Answering, json, makeIdentity, startDevice } from "./server.test-helper.ts";

const identity = makeIdentity();
const credentials = { user: parseUserId("admin"), passphrase: Secret.fromText("Administrator") };

async function refusal(answer: Answering): Promise<NetHsmError> {
  await using device = await startDevice(identity, () => answer);
  using hsm = new NetHsm(device.pinned, { credentials });
  const error: unknown = await hsm.keys.get(parseKeyId("key1")).catch((thrown: unknown) => thrown);
  if (!(error instanceof NetHsmError)) return expect.unreachable(String(error));
  expect(error.message).toContain(`GET /keys/key1 at ${device.url}`);
  return error;
}

const jsonType = { "content-type": "application/json" };

test.each<[number, string, number]>([
  [400, "bad-request", 65],
  [401, "unauthorized", 77],
  [403, "forbidden", 77],
  [404, "not-found", 66],
  [405, "unsupported", 69],
  [406, "unsupported", 69],
  [409, "conflict", 73],
  [412, "wrong-state", 69],
  [413, "too-large", 65],
  [414, "bad-request", 65],
  [415, "unsupported", 69],
  [429, "too-many-requests", 75],
  [500, "device-error", 69],
  [501, "device-error", 69],
  [503, "device-error", 69],
  [301, "bad-answer", 76],
  [304, "bad-answer", 76],
])("status %d is %s, with and without words", async (status, code, exit) => {
  expect(await refusal({ status, headers: jsonType })).toMatchObject({ code, exit, status, deviceMessage: undefined });
  if (status === 304) return;
  expect(await refusal(json({ message: "the words" }, status))).toMatchObject({
    code,
    exit,
    deviceMessage: "the words",
  });
});

test("what to do is told by what was asked and said", () => {
  const hint = (endpoint: string, status: number, message: string) => {
    const body = toUtf8(JSON.stringify({ message }));
    return refusalError({ device: "d", endpoint, status, contentType: "application/json", body }).hint;
  };
  expect(hint("POST /unlock", 403, "the passphrase is incorrect")).toBe("check the unlock passphrase");
  expect(hint("PUT /config/backup-passphrase", 403, "incorrect")).toMatch(/^check the present passphrase/);
  expect(hint("GET /users", 403, "no")).toMatch(/role/);
  expect(hint("POST /system/backup", 412, "Please configure backup key before doing a backup.")).toMatch(
    /backup passphrase/,
  );
});

test.each<[string, Answering, Partial<NetHsmError>]>([
  [
    "an endpoint that the release does not know",
    { status: 404, headers: { "content-type": "text/plain" }, body: "Not found" },
    { code: "unsupported" },
  ],
  [
    "plain text of an exception",
    { status: 503, headers: { "content-type": "text/plain" }, body: " boom\n" },
    { deviceMessage: "boom" },
  ],
  [
    "a body that is no JSON",
    { status: 400, headers: jsonType, body: "{" },
    { code: "bad-request", deviceMessage: undefined },
  ],
  ["JSON without a message", json([1], 400), { deviceMessage: undefined }],
  ["a message that is not text", json({ message: 5 }, 400), { deviceMessage: undefined }],
  [
    "a page of HTML",
    { status: 400, headers: { "content-type": "text/html" }, body: "<html>" },
    { deviceMessage: undefined },
  ],
  ["control characters", json({ message: "a\u001b[2J\u202e\r\nb" }, 400), { deviceMessage: "a [2J b" }],
  ["a very long message", json({ message: "x".repeat(2_000) }, 400), { deviceMessage: "x".repeat(500) }],
  ["a body without end", { status: 403, body: "x".repeat(2_000_000) }, { code: "forbidden" }],
  ["nothing where JSON was due", { status: 200, headers: jsonType }, { code: "bad-answer", exit: 76 }],
  ["204 where JSON was due", { status: 204 }, { code: "bad-answer", exit: 76 }],
  ["JSON of another kind", json({ state: "Locked" }), { code: "bad-answer", exit: 76 }],
])("%s", async (_, answer, expected) => {
  expect(await refusal(answer)).toMatchObject(expected);
});

test("neither passphrase nor user are in an error", async () => {
  const error = await refusal({ status: 401 });
  const everything = [error.message, error.hint, error.stack, JSON.stringify(error)].join();
  expect(everything).not.toMatch(/Administrator|admin|Basic|YWRtaW4/);
});
