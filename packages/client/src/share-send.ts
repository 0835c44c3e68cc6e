/** What `signstar-share send` does. */
import type { Invocation } from "@signstar/command/spec";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { Failure, messageOf } from "@signstar/primitives/failure";
import { formatIntent, parseIntent } from "@signstar/secret-sharing/intent";
import { parseReceipt, type Receipt } from "@signstar/secret-sharing/receipt";
import { connectTo } from "./connect.ts";
import { parseDestination } from "./destination.ts";
import { ClientError } from "./errors.ts";
import type { Errand } from "./exchange.ts";
import { exchangeOver } from "./exchange-over.ts";
import { timeoutMs } from "./options.ts";
import { exposedNote, readShare } from "./share-file.ts";

const handingIn: Errand = { deed: "take the share", answer: "receipt" };

export async function sendShare({ options, args, io }: Invocation): Promise<void> {
  const [where = "", file = "", ...words] = args;
  const destination = parseDestination(where);
  const { host } = destination;
  const intent = formatIntent(parseIntent(words));
  const { bytes, share, exposed } = readShare(file);
  share.share[Symbol.dispose]();
  if (exposed) io.note(exposedNote(file));
  const open = await connectTo(destination, options, (line) => io.note(line));
  const answer = await exchangeOver(open, host, timeoutMs(options), handingIn)(fromUtf8(bytes), intent);
  bytes.fill(0);
  const receipt = believed(answer, host);
  if (receipt.set !== share.set || receipt.index !== share.index || receipt.intent !== intent) {
    throw new ClientError("bad-answer", `the receipt of ${host} is about something else than what was sent`);
  }
  io.write(receiptWords(receipt));
}

const standings: Readonly<Record<Receipt["standing"], string>> = {
  "in-force": "in force",
  confirmed: "confirmed, but not in force on every device yet",
  pending: "not confirmed by every holder yet",
  unknown: "not known to the appliance",
};

function receiptWords(receipt: Receipt): string {
  const { set, standing, index, numberOfShares, threshold, intent, handedIn } = receipt;
  const lines = [
    `share ${index} of ${numberOfShares} is handed in for: ${intent}`,
    `set ${set}: ${standings[standing]}`,
    `handed in for this to the same account: ${handedIn} of ${threshold}`,
    ...receipt.notes.map((note) => `note: ${note}`),
    ...receipt.inForce.filter((each) => each !== set).map((each) => `set ${each}: in force, keep its shares`),
    ...receipt.void.map((each) => `set ${each}: void, its shares may be destroyed`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** Throws ClientError bad-answer (76). */
function believed(answer: Uint8Array, host: string): Receipt {
  try {
    return parseReceipt(fromUtf8(answer));
  } catch (cause) {
    if (!(cause instanceof Failure) && !(cause instanceof TypeError)) throw cause;
    throw new ClientError("bad-answer", `${host} has answered, but not with a receipt: ${messageOf(cause)}`, { cause });
  }
}
