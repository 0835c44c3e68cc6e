import { setTimeout } from "node:timers/promises";
import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { linesOf } from "./link.ts";

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await setTimeout(0);
    yield toUtf8(text);
  }
}

async function read(max: number, ...texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(pieces(...texts), max, "host")) found.push(Buffer.from(line).toString());
  return found;
}

test("lines are what stands between newlines, however it was cut", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 6 }), async (texts) => {
      const whole = `${texts.join("")}\n`;
      expect(await read(100, ...texts, "\n")).toEqual(whole.split("\n").slice(0, -1));
    }),
    { numRuns: 40 },
  );
});

test("a line that is too long, or cut off, is an answer of nobody", async () => {
  expect(await read(3, "abc\n")).toEqual(["abc"]);
  await expect(read(3, "ab", "cd")).rejects.toMatchObject({ code: "bad-answer", exit: 76 });
  await expect(read(3, "ab\nc")).rejects.toThrow("in the middle of an answer");
});
