import { PassThrough, Readable } from "node:stream";
import { freshSha512 } from "@signstar/hash-state/sha512-state";
import { encodeBatchFrame } from "@signstar/signing-request/batch";
import { encodeSigningRequest } from "@signstar/signing-request/request";
import { describe, expect, test } from "vitest";
import { signBatch } from "./batch.ts";

const frame = `${encodeBatchFrame("x", encodeSigningRequest({ state: freshSha512 }))}\n`;
const signer = { sign: async () => ({ signature: "armored", digest: "00".repeat(64) }) };
const session = (entries: unknown[] = []) => ({
  id: "s",
  failed: async (_: unknown, thrown: unknown) => void entries.push(thrown),
});

describe("a batch", () => {
  test("is over when its answers are not taken, though frames could still come", async () => {
    const stdin = new PassThrough();
    stdin.write(frame);
    const io = { stdin, stream: () => new Promise<void>(() => undefined) };
    const ended = signBatch({ session: session(), signer, io, width: 4, stallMs: 50 });
    await expect(ended).rejects.toMatchObject({ code: "client-stalled", exit: 74 });
    expect(stdin.destroyed).toBe(true);
  });

  test("lets the journal breathe when nothing but refused frames come, and records each", async () => {
    const answers: string[] = [];
    const entries: unknown[] = [];
    const io = {
      stdin: Readable.from([Buffer.from("\n".repeat(110))]),
      stream: async (a: string | Uint8Array) => void answers.push(...String(a).trimEnd().split("\n")),
    };
    const began = performance.now();
    await signBatch({ session: session(entries), signer, io, width: 2 });
    expect([answers.length, entries.length]).toEqual([110, 110]);
    expect(performance.now() - began).toBeGreaterThan(200);
  });
});
