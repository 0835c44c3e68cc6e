import { PassThrough, Readable } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAll } from "./read-all.ts";

const patient = { bytes: 8, deadlineMs: 5000 };

describe("readAll", () => {
  test("gives back the bytes however they were cut, up to the limit and not one more", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 6 }), async (chunks) => {
        const whole = Buffer.concat(chunks);
        const reading = readAll(Readable.from(chunks, { objectMode: true }), patient);
        if (whole.length <= patient.bytes) expect(await reading).toEqual(new Uint8Array(whole));
        else await expect(reading).rejects.toMatchObject({ code: "input-too-long", exit: 65, clientSafe: true });
      }),
    );
  });

  test("stops waiting at the deadline and lets go of the stream", async () => {
    const stream = new PassThrough();
    stream.write("half");
    await expect(readAll(stream, { bytes: 8, deadlineMs: 20 })).rejects.toMatchObject({
      code: "input-too-slow",
      exit: 66,
    });
    expect(stream.destroyed).toBe(true);
  });

  test("reports a stream that breaks or closes early", async () => {
    const broken = new Readable({ read: (): void => void broken.destroy(new Error("EIO")) });
    await expect(readAll(broken, patient)).rejects.toMatchObject({ code: "input-unreadable", exit: 74 });
    const closed = new Readable({ read: (): void => void closed.destroy() });
    await expect(readAll(closed, patient)).rejects.toMatchObject({ code: "input-unreadable", exit: 74 });
  });
});
