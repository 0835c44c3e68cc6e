import { createInterface } from "node:readline";
import { freshSha512, type Sha512State } from "@signstar/hash-state/sha512-state";
import { dearmor } from "@signstar/openpgp/armor";
import { toUtf8 } from "@signstar/primitives/bytes";
import { checkDetached } from "@signstar/signing/check";
import { encodeBatchFrame, parseBatchAnswer } from "@signstar/signing-request/batch";
import { encodeSigningRequest } from "@signstar/signing-request/request";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Stand } from "./stand.ts";

let stand: Stand;
beforeAll(async () => {
  stand = await Stand.make();
});
beforeEach(() => stand.reset());
afterAll(() => stand[Symbol.asyncDispose]());

const batch = { SSH_ORIGINAL_COMMAND: "batch" };
const stateOf = (n: number): Sha512State => ({ ...freshSha512, tail: toUtf8(`file ${n}\n`) });
const frame = (n: number): string => `${encodeBatchFrame(`file-${n}`, encodeSigningRequest({ state: stateOf(n) }))}\n`;
const answers = (out: string) =>
  out
    .split("\n")
    .slice(0, -1)
    .map((line) => parseBatchAnswer(toUtf8(line)));

async function expectSignature(n: number, answer: ReturnType<typeof answers>[number] | undefined): Promise<void> {
  if (answer === undefined || !("signature" in answer)) throw new Error(`no signature but ${JSON.stringify(answer)}`);
  expect(answer.id).toBe(`file-${n}`);
  if (stand.certificate === undefined) throw new Error("no certificate to check with");
  const { bytes: packet } = dearmor(answer.signature);
  await checkDetached({ packet, certificate: stand.certificate, state: stateOf(n) });
}

describe("a batch", () => {
  test("has its answers in the order of its frames, and one bad frame is one error", async () => {
    await stand.ready();
    const wrong = ["hello\n", '{"id":"x","request":{}}\n', `{"id":"${"y".repeat(70_000)}"}\n`, "\n"];
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    const { code, out, err } = await stand.run(numbers.map(frame).join("") + wrong.join("") + frame(40), batch);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const all = answers(out);
    expect(all.length).toBe(45);
    for (const n of numbers) await expectSignature(n, all[n]);
    expect(all.slice(40, 44).map((answer) => ("error" in answer ? [answer.id, answer.error.code] : []))).toEqual([
      [null, "json-syntax"],
      ["x", "missing-member"],
      [null, "too-large"],
      [null, "empty"],
    ]);
    await expectSignature(40, all[44]);
    const entries = stand.entries();
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
    const requests = (event: string) =>
      entries.filter((entry) => entry["event"] === event).map(({ request }) => request);
    expect(new Set(requests("intent")).size).toBe(41);
    expect(requests("verdict").toSorted()).toEqual(requests("intent").toSorted());
    expect(requests("refusal").length).toBe(4);
  });

  test("is answered frame by frame while it goes on", async () => {
    await stand.ready();
    const child = stand.start(batch);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (const n of [1, 2]) {
      child.stdin.write(frame(n));
      const { value } = await lines.next();
      await expectSignature(n, parseBatchAnswer(toUtf8(value ?? "")));
    }
    child.stdin.end();
    const [code] = await new Promise<unknown[]>((resolve) => child.once("close", (...args) => resolve(args)));
    expect(code).toBe(0);
  });

  test("tells of each frame what the device did wrong, and nothing about the device", async () => {
    await stand.ready("Curve25519", { fault: "sign:flip" });
    const { code, out } = await stand.run(frame(1) + frame(2), batch);
    const error = { code: "no-valid-signature", message: "the service could not make a valid answer" };
    expect([code, answers(out)]).toEqual([
      0,
      [
        { id: "file-1", error },
        { id: "file-2", error },
      ],
    ]);
  });

  test("ends 74 when nobody reads its answers", async () => {
    await stand.ready();
    const child = stand.start(batch);
    child.stdout.destroy();
    child.stdin.write(frame(1));
    // Standard input stays open: it must not keep the program.
    const [code] = await new Promise<unknown[]>((resolve) => child.once("exit", (...args) => resolve(args)));
    expect(code).toBe(74);
  });

  test("of no frames is no error", async () => {
    await stand.ready();
    expect(await stand.run("", batch)).toEqual({ code: 0, out: "", err: "" });
  });
});
