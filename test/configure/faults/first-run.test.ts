import { expect, test, vi } from "vitest";
import { firstRun } from "./jobs.ts";
import { completeAll, record } from "./stops.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);
vi.mock(import("@signstar/host/run-as"), async () => (await import("./without-shells.ts")).runAsOwn);
vi.mock(import("@signstar/host/write-as"), async () => (await import("./without-shells.ts")).writeAsOwn);

test("a first run that stops after any call of any device is finished by the next", { timeout: 300_000 }, async () => {
  const job = firstRun();
  const recording = await record(job);
  expect(recording.answers.length).toBeGreaterThanOrEqual(60);
  await completeAll("first run", job, recording);
});
