import { join } from "node:path";
import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import { trustedOwners } from "@signstar/host/caller";
import { HostError } from "@signstar/host/errors";
import { readSafeFile } from "@signstar/host/safe-file";
import { fromBase64 } from "@signstar/primitives/bytes";
import { ApplianceError } from "./errors.ts";
import { mappingOf } from "./role.ts";
import { Session, serverOptions } from "./session.ts";

const name = "signstar-download-wireguard";

/** The appliance's WireGuard public key, one line. */
export const downloadWireguard: ForcedCommand = {
  name,
  summary: "print the WireGuard public key of this appliance",
  description: "Run by sshd's ForceCommand; the client sends no command.",
  options: serverOptions,
  accepts: [[]],
  begin(options) {
    const session = new Session(name, options);
    return { run: ({ io }) => handOut(session, io), ended: (ending) => session.ended(ending) };
  },
};

async function handOut(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  mappingOf(config, caller, ["wireguard-download"]);
  const key = readKey(join(session.root, config.appliance.wireguardPublicKey), trustedOwners(session.root));
  await session.entry({ event: "download", what: "wireguard-key", key });
  io.write(`${key}\n`);
}

/** 32 bytes in base64, as wg(8) prints them, and at most a newline: 45 bytes. Throws ApplianceError, HostError. */
function readKey(path: string, owners: readonly number[]): string {
  const unusable = (cause: unknown) =>
    new ApplianceError("wireguard-key-unusable", `${path} holds no WireGuard public key`, { cause });
  let bytes: Uint8Array;
  try {
    bytes = readSafeFile(path, { maxBytes: 45, owners, mode: "readable" });
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    if (thrown.code !== "file-missing") throw unusable(thrown);
    throw new ApplianceError("no-wireguard-key", "there is no WireGuard key yet", {
      hint: "it is made when the appliance starts for the first time",
      cause: thrown,
      clientSafe: true,
    });
  }
  const text = Buffer.from(bytes).toString("latin1");
  const key = text.endsWith("\n") ? text.slice(0, -1) : text;
  try {
    const point = fromBase64(key);
    if (point.length !== 32) throw new RangeError(`a key has 32 bytes, not ${point.length}`);
    // What a failed or half-done key generation leaves behind.
    if (point.every((byte) => byte === 0)) throw new RangeError("all bytes are zero");
    return key;
  } catch (cause) {
    throw unusable(cause);
  }
}
