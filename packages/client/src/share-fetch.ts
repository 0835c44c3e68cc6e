/** What `signstar-share fetch` does. */
import type { Invocation } from "@signstar/command/spec";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { Failure, messageOf } from "@signstar/primitives/failure";
import { parseShare, type Share, sha256 } from "@signstar/secret-sharing/share";
import { connectTo } from "./connect.ts";
import { parseDestination } from "./destination.ts";
import { ClientError } from "./errors.ts";
import type { Errand, Exchange } from "./exchange.ts";
import { exchangeOver } from "./exchange-over.ts";
import { timeoutMs } from "./options.ts";
import { exposedNote, readShare, requirePlace, storeShare } from "./share-file.ts";
import { uninterrupted } from "./uninterrupted.ts";

const fetching: Errand = { deed: "hand out a share", answer: "share" };
const confirming: Errand = { deed: "take the confirmation", answer: "receipt" };

export async function fetchShare({ options, args: [where = "", file = ""], io }: Invocation): Promise<void> {
  const destination = parseDestination(where);
  const { host } = destination;
  requirePlace(file);
  const open = await connectTo(destination, options, (line) => io.note(line));
  const exchange = (errand: Errand): Exchange => exchangeOver(open, host, timeoutMs(options), errand);
  const fetched = await exchange(fetching)("");
  const { index, numberOfShares, threshold, set } = believed(fetched, host);
  const done = await uninterrupted(() => storeShare(file, fetched));
  fetched.fill(0);
  // What is confirmed is what can be read back.
  const { bytes, exposed } = readShare(file);
  const digest = sha256(bytes);
  bytes.fill(0);
  if (exposed) io.note(exposedNote(file));
  const named = `share ${index} of ${numberOfShares} (${threshold} give the secret) of set ${set}`;
  try {
    requireConfirmed(await exchange(confirming)("", `confirm ${digest}`), digest, host);
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    io.note(`the share is stored in ${file}, but that is not confirmed: run the same command again`);
    throw thrown;
  }
  const old = done === "stored-beside-old" ? `the share that was there is kept in ${file}.old: it may be needed\n` : "";
  io.write(`${named} ${done === "present" ? "was" : "is"} stored in ${file}, and is confirmed\n${old}`);
}

/** Throws ClientError bad-answer (76). */
function believed(bytes: Uint8Array, host: string): Omit<Share, "share"> {
  try {
    const { share, ...rest } = parseShare(bytes);
    share[Symbol.dispose]();
    return rest;
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw new ClientError("bad-answer", `what ${host} sent is not to be believed: ${cause.message}`, { cause });
  }
}

function requireConfirmed(answer: Uint8Array, digest: string, host: string): void {
  const wrong = (problem: string, cause?: unknown) =>
    new ClientError("bad-answer", `${host} did not confirm what was asked: ${problem}`, { cause });
  let receipt: unknown;
  try {
    receipt = JSON.parse(fromUtf8(answer));
  } catch (cause) {
    throw wrong(messageOf(cause), cause);
  }
  const confirmed = typeof receipt === "object" && receipt !== null && "confirmed" in receipt && receipt.confirmed;
  if (confirmed !== digest) throw wrong("its receipt is about something else");
}
