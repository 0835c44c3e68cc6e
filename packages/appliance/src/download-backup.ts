import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import { type Fields, Priority } from "@signstar/host/journal";
import { BackupError } from "@signstar/nethsm-backup/errors";
import { readSealedBackup, type SealedBackup } from "@signstar/nethsm-backup/read";
import { asOurs, connectionsOf, credentialsOf, namesOf, passphrasesOf } from "./device-access.ts";
import { ApplianceError, type ApplianceErrorCode } from "./errors.ts";
import { keptBackup } from "./kept-backup.ts";
import { Passing } from "./passing.ts";
import { mappingOf } from "./role.ts";
import { Session, serverOptions } from "./session.ts";

const name = "signstar-download-backup";

/** Until a device sends the head of a backup; sshd ends a silent session after five minutes. */
const slowHeadersMs = 120_000;

/** An encrypted backup of the HSM: a fresh one, or with the word `last` the one kept after the last change. */
export const downloadBackup: ForcedCommand = {
  name,
  summary: "send an encrypted backup of the HSM",
  description:
    "Run by sshd's ForceCommand. Without a command the client gets a fresh backup from a device, with the command\n" +
    "'last' the one that was kept after the last change. It is checked on its way, but for what only the backup\n" +
    "passphrase could show; if the exit code is not 0, what has arrived is to be discarded.",
  options: serverOptions,
  accepts: [[], ["last"]],
  begin(options) {
    const session = new Session(name, options);
    return {
      run: ({ io, args }) => (args[0] === "last" ? sendKept(session, io) : sendFresh(session, io)),
      ended: (ending) => session.ended(ending),
    };
  },
};

async function sendKept(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const mapping = mappingOf(config, caller, ["backup"]);
  const kept = keptBackup(`${session.paths.keptBackups}/${mapping.systemUser}/latest.bkp`, session.root);
  const begun = await begin(io, kept.pieces, "kept-backup-damaged");
  await finish(session, begun, { source: "kept", size: kept.size });
}

async function sendFresh(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const { backendUser } = mappingOf(config, caller, ["backup"]);
  const connections = connectionsOf(config, session.paths, session.root);
  using passphrases = await passphrasesOf(config, backendUser, caller, session.paths);
  const { Pool } = await import("@signstar/nethsm/pool");
  using pool = new Pool(connections, { random: Math.random, deadlines: { slowHeadersMs } });
  try {
    const { value, device, skipped } = await pool.run(credentialsOf(backendUser, passphrases), async (hsm) =>
      begin(io, await hsm.system.backup(), "bad-backup"),
    );
    await finish(session, value, { source: "fresh", device, skipped: namesOf(skipped) });
  } catch (thrown) {
    throw asOurs(thrown);
  }
}

/** A backup whose head is good; its items have still to be read, and so sent. */
interface Begun {
  readonly passing: Passing;
  readonly backup: SealedBackup;
  readonly fault: Fault;
}

async function begin(io: Io, pieces: AsyncIterable<Uint8Array>, fault: Fault): Promise<Begun> {
  const passing = new Passing(io);
  const backup = await judged(fault, () => readSealedBackup(passing.through(pieces)));
  return { passing, backup, fault };
}

/** Two entries: what is about to leave, and what has left. */
async function finish(
  session: Session,
  { passing, backup, fault }: Begun,
  about: Omit<Fields, "event">,
): Promise<void> {
  await session.entry({ event: "download", what: "backup", version: backup.version, ...about }, Priority.notice);
  await passing.open();
  let items = 0;
  await judged(fault, async () => {
    for await (const _item of backup.items) items += 1;
    if (items === 0) throw new BackupError("missing-item", "the backup has no items");
  });
  const { bytes, sha256 } = passing;
  await session.entry({ event: "downloaded", what: "backup", bytes, sha256, items }, Priority.notice);
}

const faults = {
  "bad-backup": "what the device has sent is not a whole backup",
  "kept-backup-damaged": "the kept backup is damaged",
} as const satisfies Partial<Record<ApplianceErrorCode, string>>;
type Fault = keyof typeof faults;

/** What a check finds wrong is not the client's fault but `fault`. */
async function judged<T>(fault: Fault, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    if (!(cause instanceof BackupError)) throw cause;
    throw new ApplianceError(fault, faults[fault], {
      hint: "discard what has arrived, if anything has",
      cause,
      clientSafe: true,
    });
  }
}
