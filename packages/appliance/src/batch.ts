import { setTimeout as sleep } from "node:timers/promises";
import type { Io } from "@signstar/command/io";
import { lines } from "@signstar/command/lines";
import { reportOf } from "@signstar/command/report";
import { clientReport } from "@signstar/command/run-forced";
import { HostError } from "@signstar/host/errors";
import { Exit, Failure } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { type BatchAnswer, encodeBatchAnswer, parseBatchFrame } from "@signstar/signing-request/batch";
import { inOrder } from "./in-order.ts";
import { Outbox } from "./outbox.ts";
import { send } from "./send.ts";
import type { Session } from "./session.ts";
import type { Signer } from "./signer.ts";
import { memoryTidier } from "./tidy-memory.ts";

/** A client may hash a large file between two frames; sshd's own limit for a silent session is the same. */
const idleMs = 300_000;

/** A client that does not take its answers holds up a device. */
const stallMs = 60_000;

/**
 * A refused frame costs no device any time, only an entry in the journal. Beyond so many of them each waits, so that
 * refusals fill the journal no faster than signatures do.
 */
const promptRefusals = 100;
const refusalMs = 50;

/**
 * Signs frame by frame until standard input ends, `width` at a time; each answer leaves as soon as those before it
 * have. A frame that cannot be signed is answered with an error; only what concerns all of them ends the batch.
 */
export async function signBatch(input: {
  readonly session: Pick<Session, "id" | "failed">;
  readonly signer: Pick<Signer, "sign">;
  readonly io: Pick<Io, "stdin" | "stream">;
  readonly width: number;
  readonly stallMs?: number;
}): Promise<void> {
  const { session, signer, io, width } = input;
  const { stdin } = io;
  const out = new Outbox((text) => send(io, text, input.stallMs ?? stallMs));
  const tidy = memoryTidier();
  let count = 0;
  let refusals = 0;
  await inOrder(lines(stdin, { bytes: limits.requestBytes, idleMs }), width, {
    async work(line): Promise<BatchAnswer> {
      count += 1;
      tidy();
      const request = `${session.id}#${count}`;
      const frame = parseBatchFrame(line);
      if ("refusal" in frame) {
        refusals += 1;
        if (refusals > promptRefusals) await sleep(refusalMs);
        await session.failed({ event: "refusal", request }, frame.refusal);
        return { id: frame.id, error: errorFor(frame.refusal) };
      }
      try {
        return { id: frame.id, ...(await signer.sign(frame.request, request)) };
      } catch (thrown) {
        if (endsAll(thrown)) throw thrown;
        return { id: frame.id, error: errorFor(thrown) };
      }
    },
    emit: (answer) => out.add(`${encodeBatchAnswer(answer)}\n`),
    stop: (reason) => stdin.destroy(reason instanceof Error ? reason : undefined),
  });
}

/** Our bugs, and a journal that cannot be reached. */
function endsAll(thrown: unknown): boolean {
  return !(thrown instanceof Failure) || thrown instanceof HostError;
}

/** Codes for what the client is not told more about. */
const codes: Partial<Record<Exit, string>> = {
  [Exit.unavailable]: "unavailable",
  [Exit.tempFail]: "try-again",
  [Exit.protocol]: "no-valid-signature",
  [Exit.config]: "configuration",
};

function errorFor(thrown: unknown): { readonly code: string; readonly message: string } {
  const report = reportOf(thrown);
  const { message } = clientReport(thrown, report);
  const own = thrown instanceof Failure && thrown.clientSafe ? thrown.code : undefined;
  return { code: own ?? codes[report.exit] ?? "failed", message };
}
