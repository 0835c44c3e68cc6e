import type { Config } from "@signstar/config/model";
import { type Caller, trustedOwners } from "@signstar/host/caller";
import { readCredential } from "@signstar/host/credentials";
import { HostError } from "@signstar/host/errors";
import type { Paths } from "@signstar/host/paths";
import { readTlsPins, withLearntPins } from "@signstar/host/tls-pins";
import { NetHsmError } from "@signstar/nethsm/errors";
import type { UserId } from "@signstar/nethsm/ids";
import type { Skipped } from "@signstar/nethsm/pool";
import type { Connection } from "@signstar/nethsm/tls";
import type { Credentials } from "@signstar/nethsm/transport";
import { Exit } from "@signstar/primitives/failure";
import type { Secret } from "@signstar/primitives/secret";
import { ApplianceError } from "./errors.ts";

/** The devices with their pins, those learnt included. Throws ApplianceError (78) if there are none. */
export function connectionsOf(config: Config, paths: Paths, root: string): readonly Connection[] {
  if (config.connections.length === 0) throw new ApplianceError("no-connection", "config has no connections");
  const pins = readTlsPins(paths.tlsPins, trustedOwners(root));
  return config.connections.map((connection) => withLearntPins(connection, pins));
}

/** The passphrases of an HSM user, the one to try first in front. */
export interface Passphrases extends Disposable {
  readonly current: Secret;
  /** The one before a rotation that is not finished. */
  readonly previous: Secret | undefined;
}

/** Throws HostError: 78, or 75 if systemd's credential service does not answer. */
export async function passphrasesOf(config: Config, user: UserId, caller: Caller, paths: Paths): Promise<Passphrases> {
  const { kind, read } = await credentialFiles(config, paths);
  const path = paths.credential(caller.home, user, kind);
  const [found, previous] = await Promise.all([ifAny(read(path)), ifAny(read(`${path}.old`))]);
  const current = found ?? previous ?? (await read(path));
  const older = current === previous ? undefined : previous;
  return {
    current,
    previous: older,
    [Symbol.dispose]() {
      current[Symbol.dispose]();
      older?.[Symbol.dispose]();
    },
  };
}

/** As a pool or a device's logins want them. */
export function credentialsOf(user: UserId, { current, previous }: Passphrases): readonly Credentials[] {
  return [current, previous]
    .filter((passphrase) => passphrase !== undefined)
    .map((passphrase) => ({ user, passphrase }));
}

/** The devices that were asked in vain, for the journal. */
export function namesOf(skipped: readonly Skipped[]): string | undefined {
  if (skipped.length === 0) return undefined;
  return skipped.map(({ device, error }) => `${device} ${error.code}`).join(", ");
}

const passedOn: readonly Exit[] = [Exit.unavailable, Exit.tempFail, Exit.protocol];

/** What a device refuses for good is no matter of the client's: user, key or tag are not as the config says. */
export function asOurs(thrown: unknown): unknown {
  if (!(thrown instanceof NetHsmError) || passedOn.includes(thrown.exit)) return thrown;
  return new ApplianceError("device-refused", thrown.message, { hint: thrown.hint, cause: thrown });
}

interface CredentialFiles {
  readonly kind: "txt" | "creds";
  read(path: string): Promise<Secret>;
}

async function credentialFiles(config: Config, { credentialsSocket }: Paths): Promise<CredentialFiles> {
  if (config.nonAdminSecretHandling === "plaintext") return { kind: "txt", read: async (path) => readCredential(path) };
  const { readEncryptedCredential } = await import("@signstar/host/encrypted-credentials");
  return { kind: "creds", read: (path) => readEncryptedCredential(path, { socketPath: credentialsSocket }) };
}

async function ifAny(reading: Promise<Secret>): Promise<Secret | undefined> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "credential-missing") return undefined;
    throw thrown;
  }
}
