import { expect, test } from "vitest";
import { memoryTidier } from "./tidy-memory.ts";

test("garbage is collected when asked", () => {
  const tidy = memoryTidier();
  const garbage = new WeakRef({ large: new Array(1000).fill(0).map(String) });
  return new Promise<void>((resolve) => {
    setImmediate(() => {
      tidy();
      expect(garbage.deref()).toBeUndefined();
      resolve();
    });
  });
});
