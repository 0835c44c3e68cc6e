/** Interruptions one after the other, with credentials that this host keeps; `faults/` has every single call. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { startSoftNethsm } from "@signstar/soft-nethsm/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { administrator, backup, Clock, Interrupted, setUp, signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const users = [
  administrator("admin"),
  administrator("ns1~admin"),
  signing({ user: "release", operator: "ns1~op1", key: "key1", tag: "tag1" }),
  signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" }),
  backup("keeper", "backup1"),
].join("");
const nothing = { plan: { changes: [], conflicts: [] } };

test("interrupted again and again, each time a little later, it comes to an end", { timeout: 120_000 }, async () => {
  const clock = new Clock();
  const follower = await startSoftNethsm({ uptime: clock.now });
  const stage = await setUp({ clock, followers: [follower] });
  onTestFinished(async () => {
    await stage.close();
    await follower.close();
  });
  const interruptedAt = (call: number, iteration: number, rotate: boolean) =>
    stage.apply(users, { interruption: { call, loses: "answer" }, iteration, rotate }).then(
      () => false,
      (thrown: unknown) => {
        if (!(thrown instanceof Interrupted)) throw thrown;
        return true;
      },
    );
  for (const [iteration, rotate] of [
    [1, false],
    [2, true],
  ] as const) {
    let interruptions = 0;
    for (let call = 3; await interruptedAt(call, iteration, rotate); call += 5) interruptions += 1;
    expect(interruptions).toBeGreaterThan(10);
    expect(await stage.plans(users, { iteration })).toMatchObject([nothing, nothing]);
  }
  const homes = join(stage.root, "var/lib/signstar/home");
  const files = ["build", "keeper", "release"].map((user) =>
    readdirSync(join(homes, user, ".local/state/signstar/secrets")),
  );
  expect(files).toEqual([["op1.txt"], ["backup1.txt"], ["ns1~op1.txt"]]);
  expect(readdirSync(join(stage.root, "var/lib/signstar/creds"))).toEqual(["admin-credentials.toml"]);
});
