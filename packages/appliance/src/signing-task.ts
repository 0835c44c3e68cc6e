import type { Config, SigningMapping } from "@signstar/config/model";
import { type Caller, trustedOwners } from "@signstar/host/caller";
import { HostError } from "@signstar/host/errors";
import type { Paths } from "@signstar/host/paths";
import { readSafeFile } from "@signstar/host/safe-file";
import { type Certificate, readCertificate } from "@signstar/openpgp/certificate";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { ApplianceError } from "./errors.ts";
import { mappingOf } from "./role.ts";

/** `namespace~key` or `key`, as config and journal write it. */
export function keyName({ key }: SigningMapping): string {
  return key.namespace === undefined ? key.keyId : `${key.namespace}~${key.keyId}`;
}

/** The caller's signing mapping. Throws ConfigError (67: none), ApplianceError (77: another role; 78: no OpenPGP key). */
export function signingMappingOf(config: Config, caller: Caller): SigningMapping {
  const signing = mappingOf(config, caller, ["signing"]);
  if (signing.key.context.kind !== "openpgp") {
    throw new ApplianceError("no-openpgp", `key ${keyName(signing)} of user ${caller.name} is not meant for OpenPGP`, {
      hint: "give its key_context an openpgp table",
    });
  }
  return signing;
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
