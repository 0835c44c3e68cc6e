import { setTimeout as sleep } from "node:timers/promises";
import { Secret } from "@signstar/primitives/secret";
import { describe, expect, test } from "vitest";
import { NetHsm } from "./client.ts";
import { parseKeyId, parseTag, parseUserId } from "./ids.ts";
import { json, makeIdentity, type Seen, startDevice } from "./server.test-helper.ts";

const identity = makeIdentity();
const credentials = { user: parseUserId("backup"), passphrase: Secret.fromText("0123456789") };
const mebibyte = new Uint8Array(1024 * 1024).fill(0x42);

async function* repeat(chunk: Uint8Array, count: number) {
  for (let i = 0; i < count; i += 1) yield chunk;
}

/** The parts of a form: name to content type and content. */
function partsOf({ headers, body }: Seen): readonly (readonly [name: string, type: string, content: string])[] {
  const boundary = /^multipart\/form-data; boundary=([\w-]+)$/.exec(headers["content-type"] ?? "")?.[1];
  const [before, ...parts] = body.toString("latin1").split(`--${boundary}`);
  expect([before, parts.pop()]).toEqual(["", "--\r\n"]);
  return parts.map((part) => {
    const found = /^\r\nContent-Disposition: form-data; name="(\w+)".*\r\nContent-Type: (\S+)\r\n\r\n(.*)\r\n$/s.exec(
      part,
    );
    return [found?.[1] ?? "", found?.[2] ?? "", found?.[3] ?? ""];
  });
}

describe("a backup", () => {
  test("is handed on while it comes", async () => {
    await using device = await startDevice(identity, async (_, response) => {
      response.write("first");
      await sleep(50);
      response.end("second");
      return undefined;
    });
    using hsm = new NetHsm(device.pinned, { credentials });
    const times: [string, number][] = [];
    for await (const chunk of await hsm.system.backup()) times.push([Buffer.from(chunk).toString(), performance.now()]);
    expect(times.map(([text]) => text)).toEqual(["first", "second"]);
    expect((times[1]?.[1] ?? 0) - (times[0]?.[1] ?? 0)).toBeGreaterThan(30);
  });

  test("that is empty leaves one connection, which requests at the same time do not share", async () => {
    await using device = await startDevice(identity, async ({ path }) => {
      if (path.endsWith("/backup")) return { headers: { "content-length": "0" } };
      await sleep(20);
      return json({ vendor: path, product: "" });
    });
    using hsm = new NetHsm(device.pinned, { credentials });
    for await (const _ of await hsm.system.backup()) expect.unreachable("it is empty");
    await Promise.all([hsm.info(), hsm.info()]);
    expect(device.seen.map(({ connection }) => connection).sort()).toEqual([1, 1, 2]);
  });

  test("that is refused is refused before the first byte", async () => {
    const message = "Please configure backup key before doing a backup.";
    await using device = await startDevice(identity, () => json({ message }, 412));
    using hsm = new NetHsm(device.pinned, { credentials });
    await expect(hsm.system.backup()).rejects.toMatchObject({
      code: "wrong-state",
      deviceMessage: message,
      hint: expect.stringContaining("backup passphrase"),
    });
  });

  test("has a deadline for silence, and none for a reader that takes its time", async () => {
    await using device = await startDevice(identity, async (_, response) => {
      response.write("first");
      await sleep(30);
      response.write("second");
      return undefined;
    });
    using hsm = new NetHsm(device.pinned, { credentials, deadlines: { bodyMs: 300 } });
    const seen: string[] = [];
    const read = async () => {
      for await (const chunk of await hsm.system.backup()) {
        seen.push(Buffer.from(chunk).toString());
        await sleep(400);
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "body-timeout", endpoint: "POST /system/backup" });
    expect(seen).toEqual(["first", "second"]);
  });

  test("that breaks off is an error", async () => {
    await using device = await startDevice(identity, (_, response) => {
      response.write("first");
      setTimeout(() => response.destroy(), 20);
      return undefined;
    });
    using hsm = new NetHsm(device.pinned, { credentials });
    const read = async () => {
      for await (const _ of await hsm.system.backup());
    };
    await expect(read()).rejects.toMatchObject({ code: "connection-lost" });
  });

  test("that is left early gives its place back", async () => {
    await using device = await startDevice(identity, ({ path }, response) => {
      if (path.endsWith("/info")) return json({ vendor: "v", product: "p" });
      const timer = setInterval(() => response.write("more"), 5);
      response.on("close", () => clearInterval(timer));
      return undefined;
    });
    using hsm = new NetHsm(device.pinned, { credentials, maxSockets: 1 });
    for await (const _ of await hsm.system.backup()) break;
    expect((await hsm.info()).product).toBe("p");
  });
});

describe("a restore", () => {
  const systemTime = new Date("2026-11-21T10:20:30Z");

  test("sends arguments first and the file second, with a length where it is known", async () => {
    await using device = await startDevice(identity, () => ({ status: 204 }));
    using hsm = new NetHsm(device.pinned);
    const chunks = [Buffer.from("_NETHSM_"), Buffer.from("BACKUP_\r\n--x")];
    await hsm.system.restore({
      backup: { chunks, size: 20 },
      backupPassphrase: Secret.fromText('pass"phräse'),
      systemTime,
    });
    await hsm.system.restore({ backup: { chunks } });
    const [known, unknown] = device.seen as [Seen, Seen];
    expect(known.headers["content-length"]).toBe(String(known.body.length));
    expect(unknown.headers["transfer-encoding"]).toBe("chunked");
    const args = Buffer.from('{"backupPassphrase":"pass\\"phräse","systemTime":"2026-11-21T10:20:30Z"}').toString(
      "latin1",
    );
    expect(partsOf(known)).toEqual([
      ["arguments", "application/json", args],
      ["backup_file", "application/octet-stream", "_NETHSM_BACKUP_\r\n--x"],
    ]);
    expect(partsOf(unknown)[0]).toEqual(["arguments", "application/json", "{}"]);
  });

  test("does not hold the file in memory", async () => {
    await using device = await startDevice(identity, () => ({ status: 204 }));
    device.server.removeAllListeners("request");
    let received = 0;
    device.server.on("request", async (request, response) => {
      for await (const chunk of request) received += chunk.length;
      response.writeHead(204).end();
    });
    using hsm = new NetHsm(device.pinned);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const chunks = (async function* () {
      for await (const chunk of repeat(mebibyte, 200)) {
        most = Math.max(most, process.memoryUsage().arrayBuffers);
        yield chunk.slice();
      }
    })();
    await hsm.system.restore({ backup: { chunks } });
    expect(received).toBeGreaterThan(200 * mebibyte.length);
    expect(most - before).toBeLessThan(100 * mebibyte.length);
  });

  test("passes on what goes wrong with the file, as it is", async () => {
    await using device = await startDevice(identity, () => ({ status: 204 }));
    using hsm = new NetHsm(device.pinned);
    const chunks = (async function* () {
      yield mebibyte;
      throw new RangeError("disk on fire");
    })();
    await expect(hsm.system.restore({ backup: { chunks } })).rejects.toThrow(new RangeError("disk on fire"));
    expect(device.seen).toEqual([]);
  });

  test.each([2, 4])("refuses a file of another size than announced (%d)", async (size) => {
    await using device = await startDevice(identity, () => ({ status: 204 }));
    using hsm = new NetHsm(device.pinned, { credentials });
    await expect(hsm.system.update({ chunks: [Uint8Array.of(1, 2, 3)], size })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    expect(device.seen).toEqual([]);
  });

  test("stops reading the file when the device has answered already", async () => {
    await using device = await startDevice(identity, () => ({ status: 204 }));
    device.server.removeAllListeners("request");
    device.server.on("request", (_, response) => {
      response.writeHead(412, { "content-type": "application/json" });
      response.end('{"message":"Service not available"}');
    });
    using hsm = new NetHsm(device.pinned);
    let closed = false;
    const chunks = (async function* () {
      try {
        yield* repeat(mebibyte, 1_000_000);
      } finally {
        closed = true;
      }
    })();
    await expect(hsm.system.restore({ backup: { chunks } })).rejects.toMatchObject({ code: "wrong-state" });
    await sleep(50);
    expect(closed).toBe(true);
  });

  test("refuses a passphrase that no device can have", async () => {
    await using device = await startDevice(identity, () => ({ status: 204 }));
    using hsm = new NetHsm(device.pinned);
    const restore = (backupPassphrase: Secret) => hsm.system.restore({ backup: { chunks: [] }, backupPassphrase });
    await expect(restore(Secret.fromText("x".repeat(201)))).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(restore(Secret.take(Uint8Array.of(0xff)))).rejects.toMatchObject({ code: "invalid-argument" });
    expect(device.seen).toEqual([]);
  });
});

test("a PEM key is imported as a form", async () => {
  await using device = await startDevice(identity, () => json({ id: "made" }, 201));
  using hsm = new NetHsm(device.pinned, { credentials });
  const pem = "-----BEGIN PRIVATE KEY-----\nMAo=\n-----END PRIVATE KEY-----\n";
  const key = { mechanisms: ["ECDSA_Signature"], pem: Secret.fromText(pem) } as const;
  expect(await hsm.keys.importPem(key)).toBe("made");
  expect(await hsm.keys.importPem({ ...key, id: parseKeyId("mine"), tags: [parseTag("t")] })).toBe("mine");
  const [unnamed, named] = device.seen as [Seen, Seen];
  expect([`${unnamed.method} ${unnamed.path}`, `${named.method} ${named.path}`]).toEqual([
    "POST /api/v1/keys",
    "PUT /api/v1/keys/mine",
  ]);
  expect(partsOf(unnamed)).toEqual([
    ["arguments", "application/json", '{"mechanisms":["ECDSA_Signature"]}'],
    ["key_file", "application/x-pem-file", pem],
  ]);
  expect(partsOf(named)[0]?.[2]).toBe('{"mechanisms":["ECDSA_Signature"],"restrictions":{"tags":["t"]}}');
});
