import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import { trustedOwners } from "@signstar/host/caller";
import { namesIn } from "@signstar/host/safe-file";
import { maxIdLength } from "@signstar/nethsm/ids";
import { armor } from "@signstar/openpgp/armor";
import { ApplianceError } from "./errors.ts";
import { mappingOf } from "./role.ts";
import { Session, serverOptions } from "./session.ts";
import { readStoredCertificate } from "./stored-certificate.ts";

const name = "signstar-download-key-certificate";

const id = `[A-Za-z0-9][A-Za-z0-9_.-]{0,${maxIdLength - 1}}`;
const keyName = new RegExp(`(?:${id}~)?${id}`);
const fileName = new RegExp(`^((?:${id}~)?${id})\\.pgp$`);

/** The OpenPGP certificates of the signing keys, armored, one block after the other. */
export const downloadKeyCertificate: ForcedCommand = {
  name,
  summary: "print the OpenPGP certificates of the signing keys",
  description:
    "Run by sshd's ForceCommand. Without a command the client gets all of them, by the name of a key that one.",
  options: serverOptions,
  arguments: [{ name: "[NAMESPACE~]KEY_ID", description: "only the certificate of this key", optional: true }],
  accepts: [[], [keyName]],
  begin(options) {
    const session = new Session(name, options);
    return { run: ({ io, args }) => handOut(session, io, args[0]), ended: (ending) => session.ended(ending) };
  },
};

async function handOut(session: Session, io: Io, wanted: string | undefined): Promise<void> {
  const { caller, config } = await session.open();
  mappingOf(config, caller, ["key-certificates"]);
  const { certificates: directory } = session.paths;
  const keys = wanted === undefined ? namesIn(directory).flatMap((each) => fileName.exec(each)?.[1] ?? []) : [wanted];
  const owners = trustedOwners(session.root);
  const blocks = keys.map((key) => {
    const certificate = readStoredCertificate(`${directory}/${key}.pgp`, owners);
    if (certificate === undefined) throw missing(`there is no certificate for key ${key}`);
    return armor("PGP PUBLIC KEY BLOCK", certificate.bytes);
  });
  if (blocks.length === 0) throw missing("there are no certificates yet");
  await session.entry({ event: "download", what: "certificates", key: wanted, count: blocks.length });
  io.write(blocks.join(""));
}

function missing(message: string): ApplianceError {
  return new ApplianceError("no-certificate", message, {
    hint: "certificates come into being when the appliance's keys do",
    clientSafe: true,
  });
}
