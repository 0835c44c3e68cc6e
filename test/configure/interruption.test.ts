import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { administrator, backup, Interrupted, type Interruption, setUp, signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("./cheap-kdf.ts")).cheapKdf(original),
);

const nothing = { changes: [], conflicts: [] };

/** Everything that is done in several calls, each kind once; without what takes the device a second. */
const variety = [
  administrator("admin"),
  administrator("ns1~admin"),
  signing({ user: "release", operator: "ns1~op1", key: "key1", tag: "tag1" }),
].join("");

async function interruptedAt(interruption: Interruption): Promise<boolean> {
  const own = await setUp();
  try {
    const interrupted = await own.apply(variety, { interruption }).then(
      () => false,
      (thrown: unknown) => {
        if (!(thrown instanceof Interrupted)) throw thrown;
        return true;
      },
    );
    await own.apply(variety);
    expect(await own.plan(variety), JSON.stringify(interruption)).toMatchObject(nothing);
    return interrupted;
  } finally {
    await own.close();
  }
}

test.each(["request", "answer"] as const)(
  "when the %s of any call is lost, it finishes when run again",
  {
    timeout: 120_000,
  },
  async (loses) => {
    const atOnce = 12;
    for (let first = 1; ; first += atOnce) {
      const results = await Promise.all(
        Array.from({ length: atOnce }, (_, i) => interruptedAt({ call: first + i, loses })),
      );
      if (results.every((interrupted) => interrupted)) continue;
      // Once it comes through, it does so with every larger number of calls.
      expect(results.lastIndexOf(true)).toBe(results.indexOf(false) - 1);
      expect(first).toBeGreaterThan(12);
      return;
    }
  },
);

test("interrupted again and again, each time a little later, it comes to an end", async () => {
  const stage = await setUp();
  onTestFinished(() => stage.close());
  const users =
    variety + signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" }) + backup("keeper", "backup1");
  for (let call = 3; ; call += 4) {
    const interrupted = await stage.apply(users, { interruption: { call, loses: "answer" } }).then(
      () => false,
      () => true,
    );
    if (!interrupted) break;
  }
  expect(await stage.plan(users)).toMatchObject(nothing);
  const homes = join(stage.root, "var/lib/signstar/home");
  const files = ["build", "keeper"].map((user) => readdirSync(join(homes, user, ".local/state/signstar/secrets")));
  expect(files).toEqual([["op1.txt"], ["backup1.txt"]]);
});
