import { concat, toUtf8, u32be } from "@signstar/primitives/bytes";
import { expect, test, vi } from "vitest";
import { login, provisioned, testUsers } from "./testing.ts";
import { readUpdate } from "./update.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const field = (bytes: Uint8Array) => concat(u32be(bytes.length).subarray(1), bytes);
const image = (version: string) =>
  concat(
    toUtf8("_NETHSM_UPDATE_\0"),
    field(new Uint8Array(256)),
    field(toUtf8("what is new")),
    field(toUtf8(version)),
    u32be(1),
    new Uint8Array(512),
  );

test("every part of the file must be there, and nothing after it", () => {
  const file = image("5.1");
  expect(readUpdate(file)).toEqual({ version: "5.1", major: 5, releaseNotes: "what is new" });
  for (let length = 0; length < file.length; length += 1) {
    expect(() => readUpdate(file.subarray(0, length))).toThrow("Invalid update");
  }
  expect(() => readUpdate(concat(file, new Uint8Array(1)))).toThrow("Invalid update");
});

test("one update at a time, cancelled or committed, and no older major release", async () => {
  const hsm = await provisioned();
  const user = login(testUsers.admin);
  const post = async (path: string, body: Uint8Array = new Uint8Array(0)) =>
    (await hsm.request("POST", `/system/${path}`, { user, body })).status;
  try {
    expect(await post("update", image("4.9"))).toBe(409);
    expect(await post("cancel-update")).toBe(412);
    expect(await post("update", image("5.0"))).toBe(200);
    expect(await post("update", image("5.0"))).toBe(409);
    expect(await post("cancel-update")).toBe(204);
    expect(await post("update", image("6.0"))).toBe(200);
    expect(await post("commit-update")).toBe(204);
    expect((await hsm.request("GET", "/health/state")).json()).toEqual({ state: "Locked" });
    await hsm.request("POST", "/unlock", { json: { passphrase: hsm.unlockPassphrase } });
    const info = await hsm.request("GET", "/system/info", { user });
    expect(info.json()).toMatchObject({ softwareVersion: "6.0" });
  } finally {
    await hsm.close();
  }
});
