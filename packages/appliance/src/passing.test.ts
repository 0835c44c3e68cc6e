import { describe, expect, test } from "vitest";
import { Passing } from "./passing.ts";

const pieces = async function* (...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
};

function receiver() {
  const sent: string[] = [];
  return { sent, io: { stream: async (piece: string | Uint8Array) => void sent.push(String(piece)) } };
}

describe("a file that passes", () => {
  test("does not leave before it is opened, and then a piece when the next is asked for", async () => {
    const { sent, io } = receiver();
    const passing = new Passing(io);
    const reader = passing.through(pieces("a", "b", "c"))[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    expect(sent).toEqual([]);
    await passing.open();
    expect(sent).toEqual(["a"]);
    await reader.next();
    expect(sent).toEqual(["a", "b"]);
    expect((await reader.next()).done).toBe(true);
    expect(sent).toEqual(["a", "b", "c"]);
    expect(passing.bytes).toBe(3);
    // printf abc | sha256sum
    expect(passing.sha256).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  test("ends when nobody takes it", async () => {
    const passing = new Passing({ stream: () => new Promise(() => undefined) }, { stallMs: 20 });
    await passing.through(pieces("a", "b")).next();
    await passing.open();
    const reader = passing.through(pieces("a", "b"));
    await reader.next();
    await expect(reader.next()).rejects.toMatchObject({ code: "client-stalled", exit: 74, clientSafe: true });
  });
});
