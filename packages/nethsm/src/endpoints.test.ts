import { existsSync, readFileSync } from "node:fs";
import { toBase64, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { describe, expect, test } from "vitest";
import { NetHsm } from "./client.ts";
import { key, nothing } from "./endpoints.test-helper.ts";
import { deviceCases } from "./endpoints-device.test-helper.ts";
import { keyCases } from "./endpoints-keys.test-helper.ts";
import { parseUserId } from "./ids.ts";
import { makeIdentity, startDevice } from "./server.test-helper.ts";

const identity = makeIdentity();
const authorization = `Basic ${toBase64(toUtf8("admin:päss:word"))}`;
const admin = { user: parseUserId("admin"), passphrase: Secret.fromText("päss:word") };

describe("every endpoint", () => {
  test.each([...deviceCases, ...keyCases].map((one, i) => [`${one[1]} (${i})`, one] as const))(
    "%s",
    async (_, [call, request, body, answer, result, auth]) => {
      await using device = await startDevice(identity, () => answer);
      using hsm = new NetHsm(device.pinned, { credentials: admin });
      expect(await call(hsm)).toEqual(result);
      const [seen] = device.seen;
      expect(`${seen?.method} ${seen?.path}`).toBe(request.replace(" ", " /api/v1"));
      expect(seen?.headers.authorization).toBe(auth === "public" ? undefined : authorization);
      const text = seen?.body.toString("utf8") ?? "";
      if (typeof body === "string") {
        expect(text).toBe(body);
      } else {
        expect(seen?.headers["content-type"]).toBe("application/json");
        expect(JSON.parse(text)).toEqual(body);
      }
    },
  );

  test("that needs a user is not asked without one", async () => {
    await using device = await startDevice(identity, () => nothing);
    using hsm = new NetHsm(device.pinned);
    await expect(hsm.lock()).rejects.toMatchObject({ code: "no-credentials", exit: 64 });
    // A restore and the like depend on the device's state: they are asked.
    await hsm.system.shutdown();
    expect(device.seen.map((request) => request.headers.authorization)).toEqual([undefined]);
  });
});

test("bytes to be sent are copied, and the caller's stay as they are", async () => {
  await using device = await startDevice(identity, () => ({ status: 201 }));
  using hsm = new NetHsm(device.pinned, { credentials: admin });
  const own = Uint8Array.of(5, 6, 7);
  await hsm.keys.setCertificate(key, own);
  await hsm.keys.setCertificate(key, own);
  expect(own).toEqual(Uint8Array.of(5, 6, 7));
  expect(device.seen.map((request) => [...request.body])).toEqual([
    [5, 6, 7],
    [5, 6, 7],
  ]);
});

const description = new URL("../../../../shared/data/nethsm-api.yaml", import.meta.url);
if (!existsSync(description)) console.info("skipped: the vendor's API description is not here");

test.skipIf(!existsSync(description))("the cases cover the vendor's API description", () => {
  const wanted: string[] = [];
  let path = "";
  for (const line of readFileSync(description, "utf8").split("\n")) {
    path = /^ {2}(\/\S+):$/.exec(line)?.[1] ?? path;
    const method = /^ {4}(get|put|post|delete):$/.exec(line)?.[1];
    if (method !== undefined) wanted.push(`${method.toUpperCase()} ${path}`);
  }
  expect(wanted.length).toBeGreaterThan(60);
  const tested = [...deviceCases, ...keyCases].map(([, request]) => request);
  // These two are streams and have tests of their own.
  tested.push("POST /system/backup", "POST /system/restore");
  const pattern = (endpoint: string) =>
    new RegExp(`^${endpoint.replaceAll("*", "\\*").replaceAll(/\{\w+\}/g, "[^/*]+")}$`);
  expect(wanted.filter((endpoint) => !tested.some((request) => pattern(endpoint).test(request)))).toEqual([]);
});
