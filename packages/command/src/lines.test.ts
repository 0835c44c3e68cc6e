import { PassThrough, Readable } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lines } from "./lines.ts";

async function read(chunks: readonly Uint8Array[], bytes = 8): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines(Readable.from(chunks, { objectMode: true }), { bytes, idleMs: 1000 })) {
    found.push(Buffer.from(line).toString("latin1"));
  }
  return found;
}

describe("lines", () => {
  test("are what stands between newlines, however the input is cut", async () => {
    const text = fc.array(fc.constantFrom("", "a", "bc", "12345678"), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), fc.array(fc.nat({ max: 40 })), async (wanted, open, cuts) => {
        const whole = Buffer.from(wanted.map((line) => `${line}\n`).join("") + (open ? "rest" : ""));
        const edges = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const chunks = edges.slice(1).map((end, i) => whole.subarray(edges[i], end));
        expect(await read(chunks)).toEqual(open ? [...wanted, "rest"] : wanted);
      }),
    );
  });

  test("that are too long keep one byte more than is allowed, and the next is whole again", async () => {
    const chunks = ["123456", "789012345", "6\nnext\n"].map((text) => Buffer.from(text));
    expect(await read(chunks)).toEqual(["123456789", "next"]);
  });

  test("do not come from a silent stream", async () => {
    const stream = new PassThrough();
    const reading = lines(stream, { bytes: 8, idleMs: 20 }).next();
    await expect(reading).rejects.toMatchObject({ code: "input-too-slow", exit: 66 });
  });

  test("may be fetched slowly", async () => {
    const stream = new PassThrough();
    const reading = lines(stream, { bytes: 8, idleMs: 50 });
    stream.end("a\nb\n");
    expect(Buffer.from((await reading.next()).value ?? []).toString()).toBe("a");
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(Buffer.from((await reading.next()).value ?? []).toString()).toBe("b");
  });
});
