/** A run may die anywhere: the next ones come to the same end, with what holders have in their hands. */
import { expect, test, vi } from "vitest";
import { Died, TestHall } from "./hall.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const names = ["ann", "bob", "eve"] as const;
type Shares = ReadonlyMap<string, Uint8Array>;

/** The first boot, and then a new secret for all: until the end of it, or until it dies. Returns whether it has. */
async function life(hall: TestHall, held: Map<string, Shares>): Promise<boolean> {
  const keep = () => {
    if (hall.state.pending === undefined) return;
    held.set(hall.state.pending.set, new Map(names.map((name) => [name, hall.fetch(name)])));
  };
  try {
    await hall.run();
    keep();
    await hall.shareOut();
    hall.change({ iteration: 2 });
    const [first] = hall.state.sets;
    for (const name of names.slice(1)) hall.handIn(name, shareOf(held, first?.set, name));
    await hall.run();
    keep();
    await hall.shareOut();
    return false;
  } catch (thrown) {
    if (!(thrown instanceof Died)) throw thrown;
    keep();
    return true;
  }
}

function shareOf(held: ReadonlyMap<string, Shares>, set: string | undefined, name: string): Uint8Array {
  const share = held.get(set ?? "")?.get(name);
  if (share === undefined) throw new TypeError(`${name} has no share of set ${set}`);
  return share;
}

/** What holders do until everything is as the configuration says: they look at the status, and act on it. */
async function goOn(hall: TestHall, held: Map<string, Shares>): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    await hall.run();
    const { pending, sets } = hall.state;
    const live = sets.filter(({ standing }) => standing !== "void");
    if (pending !== undefined) {
      held.set(pending.set, new Map(names.map((name) => [name, hall.fetch(name)])));
      for (const name of names) hall.confirm(name, shareOf(held, pending.set, name));
    } else if (live.length === 1 && live[0]?.standing === "in-force" && live[0].iteration === 2) return;
    else {
      hall.change({ iteration: 2 });
      for (const { set } of live) for (const name of names.slice(0, 2)) hall.handIn(name, shareOf(held, set, name));
    }
  }
  expect.unreachable(`it does not come to an end: ${JSON.stringify(hall.state)}`);
}

/** Every eighth effect, others with each way: a device's own are broken off one by one elsewhere. */
const stride = 8;

test.each([false, true])("with memory lost: %s", { timeout: 240_000 }, async (lost) => {
  let completed = 0;
  for (let effect = lost ? 5 : 1; ; effect += stride) {
    const hall = await TestHall.open();
    try {
      hall.dieAt(effect);
      const held = new Map<string, Shares>();
      const died = await life(hall, held);
      hall.dieAt(Number.POSITIVE_INFINITY);
      if (!died) break;
      if (lost) hall.reboot();
      await goOn(hall, held);
      hall.handIn("ann", shareOf(held, hall.state.sets.at(-1)?.set, "ann"), "plan");
      hall.handIn("eve", shareOf(held, hall.state.sets.at(-1)?.set, "eve"), "plan");
      await hall.run();
      expect(hall.state.last, `effect ${effect}`).toMatchObject({ outcome: "done", message: "nothing is to be done" });
      completed += 1;
    } finally {
      await hall.close();
    }
  }
  expect(completed).toBeGreaterThan(3);
});
