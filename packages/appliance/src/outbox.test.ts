import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

test("what comes in one turn leaves together, in order, one parcel after the other", async () => {
  const parcels: string[] = [];
  let under = 0;
  const out = new Outbox(async (text) => {
    under += 1;
    expect(under).toBe(1);
    await setTimeout(5);
    parcels.push(text);
    under -= 1;
  });
  const first = Promise.all([out.add("a"), out.add("b")]);
  await setTimeout(1);
  const later = [out.add("c"), out.add("d")];
  await first;
  await Promise.all([...later, out.add("e")]);
  expect(parcels.join("")).toBe("abcde");
  expect(parcels.length).toBeLessThan(5);
});

test("after a failure nothing is sent", async () => {
  let sent = 0;
  const out = new Outbox(async () => {
    sent += 1;
    throw new Error("closed");
  });
  await expect(out.add("a")).rejects.toThrow("closed");
  await expect(out.add("b")).rejects.toThrow("closed");
  expect(sent).toBe(1);
});
