import { expect, test } from "vitest";
import { RateLimit } from "./rate-limit.ts";

test("a failure blocks its key for one second exactly, and asking does not extend it", () => {
  let now = 0;
  const limit = new RateLimit(() => now);
  limit.failed("a");
  expect(limit.blocked("b")).toBe(false);
  now = 999;
  expect(limit.blocked("a")).toBe(true);
  now = 1000;
  expect(limit.blocked("a")).toBe(false);
});
