import { createServer } from "node:net";
import { Exit, Failure } from "@signstar/primitives/failure";
import { Secret } from "@signstar/primitives/secret";
import { describe, expect, test } from "vitest";
import { type Credentials, NetHsm } from "./client.ts";
import { NetHsmError } from "./errors.ts";
import { parseUserId } from "./ids.ts";
import { Logins } from "./logins.ts";
import { pauseLeft, pauseMs } from "./pauses.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { type Answering, type Device, type Handler, json, makeIdentity, startDevice } from "./server.test-helper.ts";
import { type Connection, parseDeviceUrl } from "./tls.ts";

const identity = makeIdentity();
const user = parseUserId("operator");
const login = (passphrase: string): Credentials => ({ user, passphrase: Secret.fromText(passphrase) });
const [current, old] = [login("current passphrase"), login("old passphrase")];
const metrics = json({ uptime: "1" });
const ask = (hsm: NetHsm) => hsm.metrics();

/** Random numbers that choose the first device. */
const first: PoolOptions = { random: () => 0 };

async function devices(...handlers: readonly Handler[]) {
  const started = await Promise.all(handlers.map((handler) => startDevice(identity, handler)));
  return {
    started,
    connections: started.map((device) => device.pinned),
    asked: () => started.map((device) => device.seen.length),
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((device) => device[Symbol.asyncDispose]()));
    },
  };
}

/** Takes one passphrase, and refuses the user for a second after a wrong one, as the device does. */
function guarded(passphrase: string): Handler {
  let refusedAt = Number.NEGATIVE_INFINITY;
  return ({ headers, at }): Answering => {
    if (at - refusedAt < 1_000) return json({ message: "Too many requests" }, 429);
    if (headers.authorization === `Basic ${Buffer.from(`${user}:${passphrase}`).toString("base64")}`) return metrics;
    refusedAt = at;
    return { status: 401 };
  };
}

async function nobody(): Promise<Connection> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await new Promise((resolve) => server.close(resolve));
  return { url: parseDeviceUrl(`https://127.0.0.1:${port}/api/v1`), tls: { mode: "unsafe" } };
}

describe("a pool", () => {
  test("begins where chance says", async () => {
    await using them = await devices(
      () => metrics,
      () => metrics,
      () => metrics,
    );
    for (const [random, expected] of [
      [0, 0],
      [0.34, 1],
      [0.999, 2],
    ] as const) {
      using pool = new Pool(them.connections, { random: () => random });
      const answer = await pool.run([current], ask);
      expect(answer).toMatchObject({ device: them.started[expected]?.url, skipped: [], login: 0 });
    }
    expect(them.asked()).toEqual([1, 1, 1]);
  });

  test("prepares a connection to where it then begins", async () => {
    await using them = await devices(
      () => metrics,
      () => metrics,
    );
    const chances = [0.9, 0, 0];
    using pool = new Pool(them.connections, { random: () => chances.shift() ?? 1 });
    pool.prepare();
    await expect.poll(() => them.started[1]?.connections()).toBe(1);
    await pool.run([current], ask);
    expect(them.asked()).toEqual([0, 1]);
    expect(them.started.map((device) => device.connections())).toEqual([0, 1]);
    await pool.run([current], ask);
    expect(them.asked()).toEqual([1, 1]);
  });

  test.each<[string, Handler, string]>([
    ["is Locked", () => json({ message: "Service not available" }, 412), "wrong-state"],
    ["fails", () => ({ status: 503, body: "exception" }), "device-error"],
    ["answers nonsense", () => json({ uptime: {} }), "bad-answer"],
    ["breaks off", (_, response) => void response.socket?.destroy(), "connection-lost"],
  ])("moves on from a device that %s, and says so", async (_, handler, code) => {
    await using them = await devices(handler, () => metrics);
    using pool = new Pool(them.connections, first);
    const { value, device, skipped } = await pool.run([current], ask);
    expect(value.get("uptime")).toBe("1");
    expect(device).toBe(them.started[1]?.url);
    expect(skipped).toMatchObject([{ device: them.started[0]?.url, error: { code } }]);
  });

  test("moves on from a device that cannot be reached or is another", async () => {
    await using them = await devices(
      () => metrics,
      () => metrics,
    );
    const [a, b] = them.connections as [Connection, Connection];
    const stranger: Connection = { url: a.url, tls: { mode: "pinned", sha256: ["00".repeat(32)] } };
    using pool = new Pool([await nobody(), stranger, b], first);
    const { skipped } = await pool.run([current], ask);
    expect(skipped.map(({ error }) => error.code)).toEqual(["unreachable", "tls-pin-mismatch"]);
    expect(them.asked()).toEqual([0, 1]);
  });

  test("moves on when the work itself finds the answer false", async () => {
    class Unverified extends Failure {}
    await using them = await devices(
      () => json({ uptime: "2" }),
      () => metrics,
    );
    using pool = new Pool(them.connections, first);
    const { value, skipped } = await pool.run([current], async (hsm) => {
      const found = (await hsm.metrics()).get("uptime");
      if (found !== "1") throw new Unverified("not-verified", Exit.protocol, "signature does not verify");
      return found;
    });
    expect(value).toBe("1");
    expect(skipped).toMatchObject([{ error: { code: "not-verified" } }]);
  });

  test.each([
    [403, "forbidden"],
    [404, "not-found"],
    [400, "bad-request"],
    [409, "conflict"],
  ])("does not move on from status %d", async (status, code) => {
    await using them = await devices(
      () => ({ status }),
      () => metrics,
    );
    using pool = new Pool(them.connections, first);
    await expect(pool.run([current], ask)).rejects.toMatchObject({ code, status });
    expect(them.asked()).toEqual([1, 0]);
  });

  test("does not move on from a fault of ours", async () => {
    await using them = await devices(
      () => metrics,
      () => metrics,
    );
    using pool = new Pool(them.connections, first);
    await expect(pool.run([current], () => Promise.reject(new TypeError("a bug")))).rejects.toThrow("a bug");
  });

  test("names every device and reason when none is left", async () => {
    await using them = await devices(
      () => ({ status: 500 }),
      () => ({ status: 412 }),
    );
    using pool = new Pool(them.connections, first);
    const error = await pool.run([current], ask).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "no-device", exit: Exit.unavailable });
    for (const part of [them.started[0]?.url, them.started[1]?.url, "status 500", "status 412"]) {
      expect(String(error)).toContain(part);
    }
  });

  test("of a single device throws that device's error", async () => {
    await using them = await devices(() => ({ status: 412 }));
    using pool = new Pool(them.connections, first);
    await expect(pool.run([current], ask)).rejects.toMatchObject({ code: "wrong-state" });
  });

  test("of no device says that it is a matter of configuration", async () => {
    using pool = new Pool([], first);
    await expect(pool.run([current], ask)).rejects.toMatchObject({ code: "no-device", exit: Exit.config });
  });

  test("asks a device that failed last, until some time has passed", async () => {
    let broken = true;
    await using them = await devices(
      () => (broken ? { status: 500 } : metrics),
      () => metrics,
    );
    using pool = new Pool(them.connections, { ...first, avoidMs: 200 });
    await pool.run([current], ask);
    broken = false;
    await pool.run([current], ask);
    expect(them.asked()).toEqual([1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await pool.run([current], ask);
    expect(them.asked()).toEqual([2, 2]);
  });

  test("gives up in time when devices accept connections and say nothing", async () => {
    const server = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const silent: Connection = { url: parseDeviceUrl(`https://127.0.0.1:${port}/api/v1`), tls: { mode: "unsafe" } };
    using pool = new Pool([silent, silent, silent], { ...first, startWithinMs: 600, deadlines: { tlsMs: 400 } });
    const began = performance.now();
    const error = await pool.run([current], ask).catch((thrown: unknown) => thrown);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(error).toMatchObject({ code: "no-device" });
    expect(String(error)).toMatch(/handshake not done.*could not be sent.*not asked/);
    server.close();
  });

  test("lets the process end once closed", async () => {
    await using them = await devices(() => metrics);
    const pool = new Pool(them.connections, first);
    await pool.run([current], ask);
    pool.close();
    await expect(pool.run([current], ask)).rejects.toThrow("closed");
  });
});

describe("logins", () => {
  const paused = (device: Device | undefined) => pauseLeft(device?.url ?? "", user);

  test("fall back to the old passphrase once, after a pause, and remember it", async () => {
    await using them = await devices(guarded("old passphrase"));
    using pool = new Pool(them.connections, first);
    const answer = await pool.run([current, old], ask);
    expect(answer.login).toBe(1);
    const [refused, taken] = them.started[0]?.seen ?? [];
    expect((taken?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(pauseMs - 1);
    expect((await pool.run([current, old], ask)).login).toBe(1);
    expect(them.asked()).toEqual([3]);
  });

  test("of many requests at once get along", async () => {
    await using them = await devices(guarded("old passphrase"));
    using pool = new Pool(them.connections, first);
    const answers = await Promise.all(Array.from({ length: 16 }, () => pool.run([current, old], ask)));
    expect(answers.map((answer) => answer.login)).toEqual(Array.from({ length: 16 }, () => 1));
  });

  test("wait out the pause that another request of this process has caused", async () => {
    await using them = await devices(guarded("current passphrase"));
    const [connection] = them.connections as [Connection];
    using stranger = new NetHsm(connection, { credentials: login("wrong passphrase") });
    await expect(stranger.metrics()).rejects.toMatchObject({ code: "unauthorized", exit: Exit.noPerm });
    using pool = new Pool(them.connections, first);
    expect((await pool.run([current], ask)).login).toBe(0);
    expect(them.asked()).toEqual([2]);
  });

  test("wait when the device says so because of another process, and then try the same passphrase again", async () => {
    let asked = 0;
    await using them = await devices(() => {
      asked += 1;
      return asked === 1 ? json({ message: "Too many requests" }, 429) : metrics;
    });
    using pool = new Pool(them.connections, first);
    expect((await pool.run([current, old], ask)).login).toBe(0);
    const [throttled, taken] = them.started[0]?.seen ?? [];
    expect((taken?.at ?? 0) - (throttled?.at ?? 0)).toBeGreaterThanOrEqual(pauseMs - 1);
  });

  test("that are refused twice move on, and keep the whole process quiet on that device", async () => {
    await using them = await devices(guarded("third passphrase"), guarded("current passphrase"));
    const [device] = them.started;
    using pool = new Pool(them.connections, first);
    const answer = await pool.run([current, old], ask);
    expect(answer).toMatchObject({ device: them.started[1]?.url, skipped: [{ error: { code: "unauthorized" } }] });
    expect(device?.seen.length).toBe(2);
    expect(paused(device)).toBeGreaterThan(500);

    using other = new NetHsm(them.connections[0] as Connection);
    await new Logins(other).run([login("third passphrase")], ask);
    const [, second, third] = device?.seen ?? [];
    expect((third?.at ?? 0) - (second?.at ?? 0)).toBeGreaterThanOrEqual(pauseMs - 1);
  });

  test("begin no pause that would exceed the budget", async () => {
    await using them = await devices(guarded("old passphrase"));
    using pool = new Pool(them.connections, { ...first, startWithinMs: 500 });
    const began = performance.now();
    await expect(pool.run([current, old], ask)).rejects.toMatchObject({ code: "unauthorized" });
    expect(performance.now() - began).toBeLessThan(450);
  });

  test("are not needed for what needs no user", async () => {
    await using them = await devices(() => json({ vendor: "Nitrokey GmbH", product: "NetHSM" }));
    using pool = new Pool(them.connections, first);
    expect((await pool.run([], (hsm) => hsm.info())).value.product).toBe("NetHSM");
    await expect(pool.run([], ask)).rejects.toBeInstanceOf(NetHsmError);
    expect(them.started[0]?.seen[0]?.headers.authorization).toBeUndefined();
  });
});
