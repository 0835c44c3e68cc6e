/**
 * Stands where signstar-download-signature would, behind a ForceCommand. The name of the file in the request says how
 * it behaves; its first argument is the file with its key, and a second one makes it a server that knows no batches.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { finishSha512 } from "@signstar/hash-state/resume";
import { toHex, toUtf8 } from "@signstar/primitives/bytes";
import { encodeBatchAnswer, parseBatchFrame } from "@signstar/signing-request/batch";
import { parseSigningRequest, type SigningRequest } from "@signstar/signing-request/request";
import { emptyState, SoftwareSigner } from "./software-signer.ts";

const [, , keyFile = "", ...limits] = process.argv;
const signer = new SoftwareSigner(readFileSync(keyFile, "utf8"));
const word = process.env["SSH_ORIGINAL_COMMAND"] ?? "";

if (word === "") await answerOne();
else if (word === "batch" && limits.length === 0) await answerMany();
else process.exitCode = 64;

function behaviourFor({ optional }: SigningRequest): readonly string[] {
  return String(optional.get("file-name")).split(" ");
}

async function answerOne(): Promise<void> {
  const request = parseSigningRequest(new Uint8Array(await buffer(process.stdin)));
  const { state, layout } = request.input;
  const [behaviour, argument] = behaviourFor(request);
  if (behaviour === "exit") {
    process.stderr.write("fake-server: error: told to\u001b[2J fail\n");
    process.exitCode = Number(argument);
  } else if (behaviour === "other") {
    process.stdout.write(signer.response(emptyState));
  } else if (behaviour === "huge") {
    process.stdout.write("x".repeat(1_000_000));
  } else if (behaviour === "slow") {
    await setTimeout(12_000);
  } else if (behaviour === "legacy" && layout !== "legacy") {
    process.exitCode = 65;
  } else {
    process.stdout.write(signer.response(state));
  }
}

async function answerMany(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const frame = parseBatchFrame(toUtf8(line));
    if ("refusal" in frame) throw frame.refusal;
    const { id, request } = frame;
    const { state } = request.input;
    const [behaviour, argument = ""] = behaviourFor(request);
    const [answer, shown] = behaviour === "other" ? [emptyState, emptyState] : [state, state];
    const lies = behaviour === "forged" ? { flipBit: true } : {};
    const { signature } = JSON.parse(signer.response(answer, lies)) as { signature: string };
    if (behaviour === "slow") await setTimeout(12_000);
    else if (behaviour === "huge") process.stdout.write("x".repeat(1_000_000));
    else if (behaviour === "crash") process.exit(70);
    else if (behaviour === "exit") {
      const error = { code: "missing-member", message: `told to\u001b[2J fail ${argument}` };
      process.stdout.write(`${encodeBatchAnswer({ id, error })}\n`);
    } else if (behaviour === "stranger") {
      process.stdout.write(`${encodeBatchAnswer({ id: "x", digest: toHex(finishSha512(shown)), signature })}\n`);
    } else process.stdout.write(`${encodeBatchAnswer({ id, digest: toHex(finishSha512(shown)), signature })}\n`);
  }
}
