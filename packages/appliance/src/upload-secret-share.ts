import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import { trustedOwners } from "@signstar/host/caller";
import { Priority } from "@signstar/host/journal";
import { readPlan, statusWords } from "@signstar/host/status-words";
import { takeTurn } from "@signstar/host/turn";
import { countOf, waitingShares } from "@signstar/host/waiting-shares";
import { limits } from "@signstar/primitives/limits";
import { encodeIntent, fileIntents, formatIntent, parseIntent, plainIntents } from "@signstar/secret-sharing/intent";
import { encodeReceipt } from "@signstar/secret-sharing/receipt";
import { parseShare } from "@signstar/secret-sharing/share";
import { ApplianceError } from "./errors.ts";
import { handIn } from "./hand-in.ts";
import { stateOf } from "./own-share.ts";
import { mappingOf } from "./role.ts";
import { Session, serverOptions } from "./session.ts";
import { forClient } from "./staging.ts";
import { remarksOn, setsOf, standingOf } from "./standing.ts";
import { nameFor, remarksBeside } from "./waiting-shares.ts";

const name = "signstar-upload-secret-share";

/** For others of the same account, each of which needs some milliseconds. */
const patienceMs = 10_000;

/** A holder's share of the administrators' secret, together with what they agree to; or how things stand. */
export const uploadSecretShare: ForcedCommand = {
  name,
  summary: "take a share of the administrators' secret",
  description:
    "Run by sshd's ForceCommand; the client sends a share, and as its command what its holder agrees to:\n" +
    "without one the configuration is applied. Something is done only when enough holders of one set\n" +
    "have named the same. The answer is one line of JSON. With 'status' nothing is sent, and the answer\n" +
    "says how things stand.",
  options: serverOptions,
  arguments: [
    {
      name: "INTENT",
      description: `one of ${[...plainIntents, ...fileIntents].join(", ")}; or status`,
      optional: true,
      default: "apply",
    },
    { name: "SHA256", description: "of the staged file, for restore and update", optional: true },
  ],
  accepts: [
    [],
    ...plainIntents.map((word) => [word]),
    ...fileIntents.map((word) => [word, /[0-9a-fA-F]{64}/]),
    ["status"],
  ],
  begin(options) {
    const session = new Session(name, options);
    return {
      run: ({ io, args }) => (args[0] === "status" ? showStatus(session, io) : take(session, io, args)),
      ended: (ending) => session.ended(ending),
    };
  },
};

async function showStatus(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const { systemUser } = mappingOf(config, caller, ["share-upload"]);
  const waiting = waitingShares(`${session.paths.sharesUpload}/${systemUser}`, caller.uid);
  const plan = readPlan(session.paths.plan, trustedOwners(session.root));
  const words = statusWords(stateOf(session), waiting, plan);
  await session.entry({ event: "download", what: "status" });
  io.write(words);
}

async function take(session: Session, io: Io, words: readonly string[]): Promise<void> {
  const { caller, config } = await session.open();
  const { systemUser } = mappingOf(config, caller, ["share-upload"]);
  const key = session.requireClientKey();
  const intent = parseIntent(words);
  const bytes = await readShare(io);
  const share = parseShare(bytes);
  share.share[Symbol.dispose]();
  const state = stateOf(session);
  const standing = standingOf(state, share);
  const directory = `${session.paths.sharesUpload}/${systemUser}`;
  try {
    using _turn = await takeTurn(directory, patienceMs);
    const before = waitingShares(directory, caller.uid);
    const name = nameFor(key.hex, share, before);
    const { set, index, threshold, numberOfShares, holder } = share;
    const entry = { set, index, holder, standing, intent: formatIntent(intent) };
    await handIn({ directory, name, share: bytes, intent: encodeIntent(intent) }, () =>
      session.entry({ event: "handed-in", ...entry }, Priority.notice),
    );
    const receipt = {
      ...{ ...entry, threshold, numberOfShares },
      handedIn: countOf(waitingShares(directory, caller.uid), set, entry.intent),
      inForce: setsOf(state, "in-force"),
      void: setsOf(state, "void"),
      notes: [...remarksOn(standing, state), ...remarksBeside(entry, key, before)],
    };
    io.write(encodeReceipt(receipt));
  } catch (thrown) {
    throw forClient(thrown);
  } finally {
    bytes.fill(0);
  }
}

async function readShare(io: Io): Promise<Uint8Array> {
  const bytes = await io.readStdin({ bytes: limits.shareBytes, deadlineMs: limits.requestDeadlineMs });
  if (bytes.length > 0) return bytes;
  throw new ApplianceError("nothing-sent", "no share was sent", {
    hint: "send its file over standard input",
    clientSafe: true,
  });
}
