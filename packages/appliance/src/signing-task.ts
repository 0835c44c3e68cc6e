import { mappingFor, systemMappings } from "@signstar/config/mapping";
import type { Config, SigningMapping } from "@signstar/config/model";
import { parseSystemUserId } from "@signstar/config/system-user";
import { type Caller, trustedOwners } from "@signstar/host/caller";
import { readCredential } from "@signstar/host/credentials";
import { HostError } from "@signstar/host/errors";
import type { Paths } from "@signstar/host/paths";
import { readSafeFile } from "@signstar/host/safe-file";
import { readTlsPins, withLearntPins } from "@signstar/host/tls-pins";
import type { Connection } from "@signstar/nethsm/tls";
import { type Certificate, readCertificate } from "@signstar/openpgp/certificate";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import type { Secret } from "@signstar/primitives/secret";
import { ApplianceError } from "./errors.ts";

/** `namespace~key` or `key`, as config and journal write it. */
export function keyName({ key }: SigningMapping): string {
  return key.namespace === undefined ? key.keyId : `${key.namespace}~${key.keyId}`;
}

/** The caller's signing mapping. Throws ConfigError (67: none), ApplianceError (77: another role; 78: no OpenPGP key). */
export function signingMappingOf(config: Config, caller: Caller): SigningMapping {
  const systemUser = parseSystemUserId(caller.name);
  const mapping = systemMappings(config).find((candidate) => candidate.systemUser === systemUser);
  if (mapping !== undefined && mapping.kind !== "signing") {
    throw new ApplianceError("wrong-role", `user ${systemUser} has a mapping of kind ${mapping.kind}, not signing`);
  }
  const signing = mappingFor(config, systemUser, ["signing"]);
  if (signing.key.context.kind !== "openpgp") {
    throw new ApplianceError("no-openpgp", `key ${keyName(signing)} of user ${systemUser} is not meant for OpenPGP`, {
      hint: "give its key_context an openpgp table",
    });
  }
  return signing;
}

/** The devices with their pins, those learnt included. Throws ApplianceError (78) if there are none. */
export function connectionsOf(config: Config, paths: Paths, root: string): readonly Connection[] {
  if (config.connections.length === 0) throw new ApplianceError("no-connection", "config has no connections");
  const pins = readTlsPins(paths.tlsPins, trustedOwners(root));
  return config.connections.map((connection) => withLearntPins(connection, pins));
}

/** The certificate that signstar-configure has written; undefined where a site does without. Throws Failures (78). */
export function storedCertificate(mapping: SigningMapping, paths: Paths, root: string): Certificate | undefined {
  const path = paths.certificate(mapping.key.namespace, mapping.key.keyId);
  try {
    const rules = { maxBytes: limits.certificateBytes, owners: trustedOwners(root), mode: "readable" } as const;
    return readCertificate(readSafeFile(path, rules));
  } catch (cause) {
    if (cause instanceof HostError && cause.code === "file-missing") return undefined;
    throw new ApplianceError("certificate-unreadable", `certificate ${path} cannot be used: ${messageOf(cause)}`, {
      cause,
      hint: "signstar-configure writes certificates",
    });
  }
}

/** The passphrases of the mapping's HSM user, the one to try first in front. */
export interface Passphrases extends Disposable {
  readonly current: Secret;
  /** The one before a rotation that is not finished. */
  readonly previous: Secret | undefined;
}

/** Throws HostError or ApplianceError (78). */
export function passphrasesOf(config: Config, mapping: SigningMapping, caller: Caller, paths: Paths): Passphrases {
  if (config.nonAdminSecretHandling !== "plaintext") {
    throw new ApplianceError("credential-kind", "credentials encrypted by systemd for users cannot be read here", {
      hint: 'set non_admin_secret_handling = "plaintext"',
    });
  }
  const path = paths.credential(caller.home, mapping.operator);
  const previous = ifAny(`${path}.old`);
  const current = ifAny(path) ?? previous ?? readCredential(path);
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

function ifAny(path: string): Secret | undefined {
  try {
    return readCredential(path);
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "credential-missing") return undefined;
    throw thrown;
  }
}
