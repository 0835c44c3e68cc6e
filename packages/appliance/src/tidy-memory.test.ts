import { expect, test } from "vitest";
import { memoryTidier } from "./tidy-memory.ts";

test("garbage is collected after a thousand pieces of work", () => {
  const tidy = memoryTidier();
  const garbage = new WeakRef({ large: new Array(1000).fill(0).map(String) });
  return new Promise<void>((resolve) => {
    setImmediate(() => {
      for (let i = 0; i < 1000; i += 1) tidy();
      expect(garbage.deref()).toBeUndefined();
      resolve();
    });
  });
});
