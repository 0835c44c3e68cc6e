import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Device } from "./device.ts";
import { parseFaults } from "./fault.ts";
import { handle } from "./handler.ts";
import { lock, provision } from "./lifecycle.ts";
import { MemoryStorage } from "./storage.ts";
import { startSoftNethsm } from "./testing.ts";

async function failed() {
  const device = await Device.open(new MemoryStorage(), { release: "5.0" });
  await provision(device, { unlockPassphrase: "unlock-unlock", adminPassphrase: "administrator", systemTime: 0 });
  device.fail();
  const send = async (method: string, path: string, user?: string) => {
    const authorization = user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` };
    const request = { method, target: `/api/v1${path}`, headers: authorization, peer: "peer", contentLength: 0 };
    return (await handle(device, { ...request, body: async () => new Uint8Array(0) })).status;
  };
  return { device, send };
}

test("a failed device says so, and asks nobody who he is", async () => {
  const { device, send } = await failed();
  expect(device.state).toBe("Failed");
  expect(await send("GET", "/health/state")).toBe(200);
  expect(await send("GET", "/health/diagnose")).toBe(200);
  for (const path of ["/users", "/keys", "/metrics", "/health/ready", "/health/alive", "/cluster/members"]) {
    expect(await send("GET", path, "admin:administrator"), path).toBe(412);
  }
  for (const path of ["/lock", "/unlock", "/system/restore", "/system/backup"]) {
    expect(await send("POST", path, "admin:administrator"), path).toBe(412);
  }
});

test("the unlock passphrase leads out of it, with the user `unlock` alone", async () => {
  const { device, send } = await failed();
  expect(await send("POST", "/cluster/force-new")).toBe(401);
  expect(await send("POST", "/cluster/force-new", "admin:unlock-unlock")).toBe(401);
  expect(await send("POST", "/cluster/force-new", "unlock:unlock-unlock")).toBe(429);
  await sleep(1050);
  expect(await send("POST", "/cluster/force-new", "unlock:wrong-wrong")).toBe(401);
  expect(device.state).toBe("Failed");
  await sleep(1050);
  expect(await send("POST", "/cluster/force-new", "unlock:unlock-unlock")).toBe(204);
  expect(device.state).toBe("Operational");
  expect(await send("POST", "/cluster/force-new", "unlock:unlock-unlock")).toBe(412);
});

test("so does a reboot; a factory reset erases", async () => {
  const { device, send } = await failed();
  expect(await send("POST", "/system/reboot")).toBe(204);
  expect(device.state).toBe("Locked");
  device.fail();
  expect(await send("POST", "/system/factory-reset")).toBe(204);
  expect(device.state).toBe("Unprovisioned");
});

test("back in the state before", async () => {
  const { device, send } = await failed();
  await lock(device);
  expect(device.state).toBe("Failed");
  expect(await send("POST", "/cluster/force-new", "unlock:unlock-unlock")).toBe(204);
  expect(device.state).toBe("Locked");
});

test("--fault state=failed starts like that", async () => {
  expect(parseFaults("state=failed,sign:flip").map(({ what }) => what.kind)).toEqual(["failed", "flip"]);
  await using hsm = await startSoftNethsm({ fault: "state=failed" });
  expect((await hsm.request("GET", "/health/state")).json()).toEqual({ state: "Failed" });
});
