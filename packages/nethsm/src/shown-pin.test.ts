import { createServer } from "node:net";
import { expect, test } from "vitest";
import { makeIdentity, startDevice } from "./server.test-helper.ts";
import { shownPin } from "./shown-pin.ts";
import { parseDeviceUrl } from "./tls.ts";

test("the pin of the certificate that is shown, and nothing is asked", async () => {
  await using device = await startDevice(makeIdentity(), () => ({ status: 200 }));
  const { url, tls } = device.pinned;
  expect(tls).toEqual({ mode: "pinned", sha256: [await shownPin(url)] });
  expect(device.seen).toEqual([]);
});

test("who is silent, who closes, who is not there", async () => {
  const server = createServer((socket) => {
    socket.resume();
    if (closes) socket.end();
  });
  let closes = false;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = parseDeviceUrl(`https://127.0.0.1:${typeof address === "object" ? address?.port : ""}/api/v1`);
  await expect(shownPin(url, 100)).rejects.toMatchObject({ code: "tls-timeout", device: url });
  closes = true;
  await expect(shownPin(url)).rejects.toMatchObject({ code: "unreachable" });
  await new Promise((resolve) => server.close(resolve));
  await expect(shownPin(url)).rejects.toMatchObject({ code: "unreachable" });
});
