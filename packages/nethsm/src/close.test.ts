import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { NetHsm } from "./client.ts";
import { failure, startPlain, unsafe } from "./plain.test-helper.ts";
import { json, makeIdentity, startDevice } from "./server.test-helper.ts";

const identity = makeIdentity();

test("close fails what is under way and refuses what comes later", async () => {
  await using device = await startDevice(identity, () => undefined);
  const hsm = new NetHsm(device.pinned);
  const pending = failure(hsm.info());
  await sleep(50);
  hsm.close();
  expect((await pending).code).toBe("connection-lost");
  await expect(hsm.info()).rejects.toThrow("closed");
});

test("close fails what waits for its turn, and none of it is sent", async () => {
  await using device = await startDevice(identity, () => undefined);
  const hsm = new NetHsm(device.pinned, { maxSockets: 1 });
  const pending = [failure(hsm.info()), failure(hsm.info())];
  await sleep(50);
  hsm.close();
  expect((await Promise.all(pending)).map(({ code }) => code)).toEqual(["connection-lost", "connection-lost"]);
  expect([device.connections(), device.seen.length]).toEqual([1, 1]);
});

test("close ends a connection that is still being opened", async () => {
  await using plain = await startPlain(() => {});
  const hsm = new NetHsm(unsafe(plain.url));
  const pending = failure(hsm.info());
  await sleep(30);
  hsm.close();
  expect((await pending).code).toBe("tls-failed");
});

describe("a one-shot process", () => {
  /** Runs `body` with a client `hsm` in a process of its own; resolves with the milliseconds until it ended. */
  async function run(body: string): Promise<number> {
    await using device = await startDevice(identity, () => json({ vendor: "v", product: "p" }));
    const program = `
      import { NetHsm } from ${JSON.stringify(new URL("./client.ts", import.meta.url).href)};
      import { Pool } from ${JSON.stringify(new URL("./pool.ts", import.meta.url).href)};
      const connection = JSON.parse(process.argv[1]);
      ${body}
      process.stdout.write("done");`;
    const args = ["--input-type=module", "--eval", program, JSON.stringify(device.pinned)];
    return await new Promise((resolve, reject) => {
      let doneAt = 0;
      const child = execFile(process.execPath, args, { timeout: 10_000 }, (error) =>
        error === null ? resolve(performance.now() - doneAt) : reject(error),
      );
      child.stdout?.once("data", () => (doneAt = performance.now()));
    });
  }

  test.each([
    ["after close", "const hsm = new NetHsm(connection); await hsm.info(); hsm.close();"],
    ["with idle connections", "const hsm = new NetHsm(connection); await hsm.info();"],
    ["with a pool", "await new Pool([connection], { random: Math.random }).run([], (hsm) => hsm.info());"],
  ])("ends at once %s", async (_, body) => {
    expect(await run(body)).toBeLessThan(1_500);
  });
});
