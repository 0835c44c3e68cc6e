import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inOrder } from "./in-order.ts";

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) {
    await sleep(0);
    yield item;
  }
}

describe("inOrder", () => {
  test("keeps the order and the width, whatever takes how long", async () => {
    const items = fc.array(fc.nat({ max: 3 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(items, fc.integer({ min: 1, max: 5 }), async (delays, width) => {
        const out: number[] = [];
        let [running, most] = [0, 0];
        await inOrder(from(delays.map((delay, i) => ({ delay, i }))), width, {
          async work({ delay, i }) {
            running += 1;
            most = Math.max(most, running);
            await sleep(delay);
            running -= 1;
            return i;
          },
          async emit(i) {
            await sleep(i % 2);
            out.push(i);
          },
          stop: () => undefined,
        });
        expect(out).toEqual(delays.map((_, i) => i));
        expect(most).toBeLessThanOrEqual(width);
      }),
      { numRuns: 30 },
    );
  });

  test("emits what is ready while the source waits for more", async () => {
    const out: number[] = [];
    let more: () => void = () => undefined;
    async function* source(): AsyncGenerator<number> {
      yield 1;
      await new Promise<void>((resolve) => {
        more = resolve;
      });
    }
    const running = inOrder(source(), 4, {
      work: async (item) => item,
      emit: async (item) => void out.push(item),
      stop: () => undefined,
    });
    await expect.poll(() => out).toEqual([1]);
    more();
    await running;
  });

  test.each(["work", "emit"])("ends a waiting source with what %s throws", async (where) => {
    let end: (reason: Error) => void = () => undefined;
    async function* source(): AsyncGenerator<number> {
      yield 1;
      await new Promise<void>((_, reject) => {
        end = reject;
      });
    }
    const boom = new Error("boom");
    const running = inOrder(source(), 4, {
      work: async () => (where === "work" ? Promise.reject(boom) : 1),
      emit: async () => (where === "emit" ? Promise.reject(boom) : undefined),
      stop: () => end(new Error("ended")),
    });
    await expect(running).rejects.toBe(boom);
  });
});
