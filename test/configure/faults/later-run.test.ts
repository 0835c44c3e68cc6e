import { expect, test, vi } from "vitest";
import { deadAfter, firstRun, laterRun } from "./jobs.ts";
import { completeAll, record } from "./stops.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);
vi.mock(import("@signstar/host/run-as"), async () => (await import("./without-shells.ts")).runAsOwn);
vi.mock(import("@signstar/host/write-as"), async () => (await import("./without-shells.ts")).writeAsOwn);

test("a rotation of everything that stops after any call of any device is finished by the next run", {
  timeout: 300_000,
}, async () => {
  const before = firstRun();
  const { end } = await record(before);
  const job = laterRun(before, end);
  const recording = await record(job);
  expect(recording.answers.length).toBeGreaterThanOrEqual(40);
  await completeAll("rotation", job, recording, deadAfter(before, end));
});
