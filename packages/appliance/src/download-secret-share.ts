import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import { Priority } from "@signstar/host/journal";
import { noBounds, StagedFile } from "@signstar/host/staging";
import { toUtf8 } from "@signstar/primitives/bytes";
import { sha256 } from "@signstar/secret-sharing/share";
import { ApplianceError } from "./errors.ts";
import { noShare, ownShare, stateOf } from "./own-share.ts";
import { mappingOf } from "./role.ts";
import { Session, serverOptions } from "./session.ts";
import { forClient } from "./staging.ts";

const name = "signstar-download-secret-share";

/** The caller's share of the administrators' secret, by the key of the login; then their word that they have stored it. */
export const downloadSecretShare: ForcedCommand = {
  name,
  summary: "hand out the caller's share of the administrators' secret",
  description:
    "Run by sshd's ForceCommand. Without a command the client gets the share that was made for the key\n" +
    "it has logged in with; with 'confirm' and the SHA-256 of the share's file it says that the file is\n" +
    "stored safely. The secret is used only when every holder has said so.",
  options: serverOptions,
  arguments: [
    { name: "confirm", description: "the share is stored safely", optional: true },
    { name: "SHA256", description: "of the file with the share, 64 hexadecimal digits", optional: true },
  ],
  accepts: [[], ["confirm", /[0-9a-fA-F]{64}/]],
  begin(options) {
    const session = new Session(name, options);
    return {
      run: ({ io, args: [, digest] }) => (digest === undefined ? handOut(session, io) : confirm(session, io, digest)),
      ended: (ending) => session.ended(ending),
    };
  },
};

async function handOut(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const { systemUser } = mappingOf(config, caller, ["share-download"]);
  const key = session.requireClientKey();
  const own = ownShare(session, systemUser, key);
  if (own === undefined) throw noShare(stateOf(session), systemUser, key);
  const { bytes, set, index } = own;
  await session.entry({ event: "download", what: "share", set, index }, Priority.notice);
  io.write(bytes);
  bytes.fill(0);
}

async function confirm(session: Session, io: Io, word: string): Promise<void> {
  const { caller, config } = await session.open();
  const { systemUser } = mappingOf(config, caller, ["share-download"]);
  const key = session.requireClientKey();
  const digest = word.toLowerCase();
  const own = ownShare(session, systemUser, key);
  if (own === undefined) {
    const { pending, ...others } = stateOf(session);
    // Said once more, because the first answer was lost on its way.
    const before = pending?.holders.some(
      ({ user, fingerprint, share, confirmed }) =>
        confirmed && user === systemUser && fingerprint === key.fingerprint && share === digest,
    );
    if (before !== true) throw noShare({ pending, ...others }, systemUser, key);
    io.write(`${JSON.stringify({ confirmed: digest, set: pending?.set })}\n`);
    return;
  }
  if (sha256(own.bytes) !== digest) {
    throw new ApplianceError("other-digest", "this is not the SHA-256 of your share", {
      hint: "fetch the share again, and confirm the SHA-256 of the file in which it is stored",
      clientSafe: true,
    });
  }
  const { set, index } = own;
  try {
    using file = new StagedFile(`${session.paths.sharesConfirm}/${systemUser}`, noBounds);
    await file.write(toUtf8(`${digest}\n`));
    file.sync();
    await session.entry({ event: "confirmed", set, index, sha256: digest }, Priority.notice);
    file.commit(key.hex);
  } catch (thrown) {
    throw forClient(thrown);
  }
  io.write(`${JSON.stringify({ confirmed: digest, set, index })}\n`);
}
