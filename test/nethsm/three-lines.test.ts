import { NetHsm } from "@signstar/nethsm/client";
import { provisioned } from "@signstar/soft-nethsm/testing";
import { expect, test } from "vitest";

test("random bytes from a started device with users", async () => {
  await using device = await provisioned();
  using hsm = new NetHsm(device.connection, { credentials: device.credentials.operator });
  expect((await hsm.random(32)).length).toBe(32);
});
