import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Secret } from "@signstar/primitives/secret";
import { describe, expect, test } from "vitest";
import { type Deadlines, NetHsm } from "./client.ts";
import { defaultDeadlines } from "./deadlines.ts";
import { parseKeyId, parseTag, parseUserId } from "./ids.ts";
import { failure, startPlain, unsafe } from "./plain.test-helper.ts";
import { type Device, type Handler, json, makeIdentity, startDevice } from "./server.test-helper.ts";
import { Transport } from "./transport.ts";

const identity = makeIdentity();
const credentials = { user: parseUserId("admin"), passphrase: Secret.fromText("Administrator") };
const info = json({ vendor: "Nitrokey GmbH", product: "NetHSM" });
const key = parseKeyId("key1");

async function withDevice(
  handler: Handler,
  body: (hsm: NetHsm, device: Device) => Promise<void>,
  deadlines?: Partial<Deadlines>,
) {
  await using device = await startDevice(identity, handler);
  using hsm = new NetHsm(device.pinned, { credentials, deadlines });
  await body(hsm, device);
}

describe("each phase has its own error:", () => {
  test("nobody listens", async () => {
    const plain = await startPlain(() => {});
    await plain[Symbol.asyncDispose]();
    using hsm = new NetHsm(unsafe(plain.url));
    const error = await failure(hsm.info());
    expect(error).toMatchObject({ code: "unreachable", exit: 69, device: plain.url, endpoint: "GET /info" });
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("no host of this name", async () => {
    using hsm = new NetHsm(unsafe("https://nothing.invalid/api/v1"), { deadlines: { connectMs: 5_000 } });
    expect((await failure(hsm.info())).code).toMatch(/^(unreachable|connect-timeout)$/);
  });

  test("no connection in time", async () => {
    // A listener that never accepts: once its queue is full, the kernel lets further connections wait.
    const program = `
      const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
        require("node:fs").writeSync(1, server.address().port + "\\n");
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000);
      });`;
    const child = spawn(process.execPath, ["--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
    const fillers: Socket[] = [];
    try {
      const port = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
      for (let i = 0; i < 4; i += 1) fillers.push(connect(port, "127.0.0.1").on("error", () => {}));
      await sleep(100);
      using hsm = new NetHsm(unsafe(`https://127.0.0.1:${port}/api/v1`), { deadlines: { connectMs: 100 } });
      expect(await failure(hsm.info())).toMatchObject({ code: "connect-timeout", exit: 69 });
    } finally {
      for (const socket of fillers) socket.destroy();
      child.kill();
    }
  });

  test("no TLS handshake in time", async () => {
    await using plain = await startPlain(() => {});
    using hsm = new NetHsm(unsafe(plain.url), { deadlines: { tlsMs: 50 } });
    expect(await failure(hsm.info())).toMatchObject({ code: "tls-timeout", exit: 69 });
  });

  test("not TLS at all", async () => {
    await using plain = await startPlain((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    using hsm = new NetHsm(unsafe(plain.url));
    expect(await failure(hsm.info())).toMatchObject({ code: "tls-failed", exit: 69 });
  });

  test("closed within the handshake", async () => {
    await using plain = await startPlain((socket) => socket.once("data", () => socket.destroy()));
    using hsm = new NetHsm(unsafe(plain.url));
    expect(await failure(hsm.info())).toMatchObject({ code: "tls-failed" });
  });

  test("no head of an answer in time", async () => {
    await withDevice(
      () => undefined,
      async (hsm) => {
        expect(await failure(hsm.info())).toMatchObject({ code: "headers-timeout", exit: 69 });
      },
      { headersMs: 50 },
    );
  });

  test("a request that works long has a longer deadline", async () => {
    await withDevice(
      async () => {
        await sleep(150);
        return json({ id: "key1" }, 201);
      },
      async (hsm) => {
        expect(await hsm.keys.generate({ type: "Curve25519", mechanisms: ["EdDSA_Signature"] })).toBe("key1");
        expect((await failure(hsm.info())).code).toBe("headers-timeout");
      },
      { headersMs: 50 },
    );
  });

  test("body not complete in time, though something comes again and again", async () => {
    await withDevice(
      (_, response) => {
        const timer = setInterval(() => response.write(" "), 20);
        response.on("close", () => clearInterval(timer));
        return undefined;
      },
      async (hsm) => {
        expect(await failure(hsm.info())).toMatchObject({ code: "body-timeout", exit: 69 });
      },
      { bodyMs: 120 },
    );
  });

  test("connection lost before the answer", async () => {
    await withDevice(
      (_, response) => {
        response.socket?.destroy();
        return undefined;
      },
      async (hsm) => {
        expect(await failure(hsm.info())).toMatchObject({ code: "connection-lost", exit: 69 });
      },
    );
  });

  test("connection lost within the answer", async () => {
    await withDevice(
      (_, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("{");
        setTimeout(() => response.socket?.destroy(), 20);
        return undefined;
      },
      async (hsm) => {
        expect((await failure(hsm.info())).code).toBe("connection-lost");
      },
    );
  });

  test("answer longer than allowed", async () => {
    await withDevice(
      () => ({ body: "x".repeat(1024 * 1024 + 1) }),
      async (hsm) => {
        expect(await failure(hsm.info())).toMatchObject({ code: "answer-too-large", exit: 76 });
      },
    );
  });

  test("not HTTP", async () => {
    await withDevice(
      (_, response) => {
        response.socket?.end("220 ready\r\n\r\n");
        return undefined;
      },
      async (hsm) => {
        expect(await failure(hsm.info())).toMatchObject({ code: "bad-answer", exit: 76 });
      },
    );
  });

  test("another protocol", async () => {
    await withDevice(
      (_, response) => {
        response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
        return undefined;
      },
      async (hsm) => {
        expect(await failure(hsm.info())).toMatchObject({ code: "bad-answer", exit: 76 });
      },
      { headersMs: 2_000 },
    );
  });

  test("not sent in time, because others were first", async () => {
    await using device = await startDevice(identity, async () => {
      await sleep(400);
      return info;
    });
    using hsm = new NetHsm(device.pinned, { maxSockets: 1 });
    const first = hsm.info();
    expect(await failure(hsm.within(150).info())).toMatchObject({ code: "start-timeout", exit: 69 });
    expect(await first).toEqual({ vendor: "Nitrokey GmbH", product: "NetHSM" });
    expect(await hsm.within(2_000).info()).toEqual({ vendor: "Nitrokey GmbH", product: "NetHSM" });
    expect(device.seen.length).toBe(2);
  });

  test("not sent in time, because the connection is not ready", async () => {
    await using plain = await startPlain(() => {});
    using hsm = new NetHsm(unsafe(plain.url));
    const began = performance.now();
    expect(await failure(hsm.within(100).info())).toMatchObject({ code: "start-timeout", exit: 69 });
    expect(performance.now() - began).toBeLessThan(defaultDeadlines.tlsMs / 2);
  });

  test("a device that works on a sent request is waited for beyond the budget, and the budget begins anew", async () => {
    await withDevice(
      async () => {
        await sleep(600);
        return info;
      },
      async (hsm) => {
        const hurried = hsm.within(400);
        await hurried.info();
        await hurried.info();
      },
    );
  });
});

describe("a connection that is prepared", () => {
  test("carries the first request, and nothing before it", async () => {
    await withDevice(
      () => info,
      async (hsm, device) => {
        hsm.prepare();
        hsm.prepare();
        await expect.poll(() => device.connections()).toBe(1);
        expect(device.seen).toEqual([]);
        await Promise.all([hsm.info(), hsm.info()]);
        expect(device.seen.map((request) => request.connection).sort()).toEqual([1, 2]);
        hsm.prepare();
        await hsm.info();
        expect(device.connections()).toBe(2);
      },
    );
  });

  test("fails the first request, and no other, if it fails", async () => {
    let refused = 0;
    await using server = await startPlain((socket) => {
      refused += 1;
      socket.destroy();
    });
    using hsm = new NetHsm(unsafe(server.url));
    hsm.prepare();
    await expect.poll(() => refused).toBe(1);
    expect((await failure(hsm.info())).code).toBe("tls-failed");
    expect(refused).toBe(1);
    expect((await failure(hsm.info())).code).toBe("tls-failed");
    expect(refused).toBe(2);
  });

  test("that the device ends before it is needed hinders nobody", async () => {
    await withDevice(
      () => info,
      async (hsm, device) => {
        let ended = 0;
        device.server.once("secureConnection", (socket) => socket.on("close", () => (ended += 1)).end());
        hsm.prepare();
        await expect.poll(() => ended).toBe(1);
        expect(await hsm.info()).toEqual({ vendor: "Nitrokey GmbH", product: "NetHSM" });
        expect(device.connections()).toBe(2);
      },
    );
  });

  test("is not opened after close", async () => {
    await withDevice(
      () => info,
      async (hsm, device) => {
        hsm.close();
        hsm.prepare();
        // Whoever comes later would be seen later.
        using other = new NetHsm(device.pinned);
        await other.info();
        expect(device.connections()).toBe(1);
      },
    );
  });

  test("that nobody needs is ended by close", async () => {
    await using plain = await startPlain(() => {});
    const hsm = new NetHsm(unsafe(plain.url));
    hsm.prepare();
    hsm.close();
    await expect(hsm.info()).rejects.toThrow("closed");
  });
});

describe("kept-alive connections", () => {
  test("are used again, also by another user", async () => {
    await withDevice(
      () => info,
      async (hsm, device) => {
        for (let i = 0; i < 3; i += 1) await hsm.info();
        await hsm.as(credentials).info();
        expect(device.seen.map((request) => request.connection)).toEqual([1, 1, 1, 1]);
      },
    );
  });

  test("are not made when not wanted", async () => {
    await using device = await startDevice(identity, () => info);
    using hsm = new NetHsm(device.pinned, { keepAlive: false });
    await hsm.info();
    await hsm.info();
    expect(device.connections()).toBe(2);
  });

  test("are no more than allowed", async () => {
    await using device = await startDevice(identity, async () => {
      await sleep(20);
      return info;
    });
    using hsm = new NetHsm(device.pinned, { maxSockets: 3 });
    await Promise.all(Array.from({ length: 12 }, () => hsm.info()));
    expect(device.seen.length).toBe(12);
    expect(device.connections()).toBe(3);
  });

  test("that died in the meantime cost a repeatable request nothing, and are reported for others", async () => {
    let served = 0;
    await withDevice(
      (_, response) => {
        served += 1;
        // Every second request meets a connection that ends instead of answering.
        if (served % 2 === 0) {
          response.socket?.destroy();
          return undefined;
        }
        return info;
      },
      async (hsm, device) => {
        await hsm.info();
        await hsm.info();
        expect(device.connections()).toBe(2);
        expect(served).toBe(3);
        expect(await failure(hsm.lock())).toMatchObject({ code: "connection-lost" });
        expect(served).toBe(4);
      },
    );
  });

  test("end after a 304, whose body would be taken for the next answer", async () => {
    await withDevice(
      (request, response) => {
        if (request.method !== "PUT") return info;
        response.socket?.write(
          'HTTP/1.1 304 Not Modified\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n{"message":"none"}',
        );
        return undefined;
      },
      async (hsm, device) => {
        for (let i = 0; i < 3; i += 1) {
          expect(await hsm.keys.addTag(key, parseTag("berlin"))).toBe(false);
          expect(await hsm.info()).toEqual({ vendor: "Nitrokey GmbH", product: "NetHSM" });
        }
        expect(device.seen.map((request) => request.connection)).toEqual([1, 2, 2, 3, 3, 4]);
      },
    );
  });

  test("end after a HEAD, to which devices send a body too", async () => {
    await using device = await startDevice(identity, (_, response) => {
      response.socket?.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody");
      return undefined;
    });
    const transport = new Transport(device.pinned, { deadlines: defaultDeadlines, keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 2; i += 1) {
      const answer = await transport.open({ method: "HEAD", path: "/info" });
      expect([answer.status, (await answer.collect(10)).length]).toEqual([200, 0]);
    }
    transport.close();
    expect(device.connections()).toBe(2);
  });
});
