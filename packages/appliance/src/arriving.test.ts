import { PassThrough, Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { arriving, type Pace } from "./arriving.ts";

const pace: Pace = { maxBytes: 100, idleMs: 40, graceMs: 60, bytesPerSecond: 500 };

async function lengthOf(stdin: Readable, rules: Pace = pace): Promise<number> {
  let length = 0;
  for await (const piece of arriving(stdin, rules)) length += piece.length;
  return length;
}

const from = (...sizes: number[]) => Readable.from(sizes.map((size) => Buffer.alloc(size)));

/** A byte every few milliseconds, for ever. */
function drip(ms: number): Readable {
  const stream = new PassThrough();
  const timer = setInterval(() => stream.write("x"), ms);
  stream.on("close", () => clearInterval(timer));
  return stream;
}

describe("what arrives", () => {
  test("is passed on up to the limit, and not beyond", async () => {
    expect(await lengthOf(from(60, 40))).toBe(100);
    await expect(lengthOf(from(60, 41))).rejects.toMatchObject({
      code: "too-large",
      exit: 65,
      clientSafe: true,
      message: "the file is larger than 100 bytes",
    });
  });

  test("is something", async () => {
    await expect(lengthOf(from())).rejects.toMatchObject({ code: "nothing-sent", exit: 66, clientSafe: true });
  });

  test("does not stay away for long", async () => {
    const silent = new PassThrough();
    silent.write("begun");
    await expect(lengthOf(silent)).rejects.toMatchObject({ code: "too-slow", exit: 66, clientSafe: true });
  });

  test("does not come in drops for ever", async () => {
    const slow = drip(10);
    await expect(lengthOf(slow)).rejects.toThrow("the file came slower than 500 bytes per second");
    slow.destroy();
  });

  test("may be read slowly", async () => {
    let length = 0;
    for await (const piece of arriving(from(1, 1, 1), pace)) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      length += piece.length;
    }
    expect(length).toBe(3);
  });

  test("that breaks off is no end", async () => {
    const broken = new PassThrough();
    broken.write("begun");
    setTimeout(() => broken.destroy(new Error("reset")), 5);
    await expect(lengthOf(broken)).rejects.toMatchObject({ code: "cut-off", exit: 74 });
  });
});
