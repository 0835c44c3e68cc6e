import type { Config, SigningMapping } from "@signstar/config/model";
import { type Caller, trustedOwners } from "@signstar/host/caller";
import type { Paths } from "@signstar/host/paths";
import type { Certificate } from "@signstar/openpgp/certificate";
import { ApplianceError } from "./errors.ts";
import { mappingOf } from "./role.ts";
import { readStoredCertificate } from "./stored-certificate.ts";

/** `namespace~key` or `key`, as config and journal write it. */
export function keyName({ key }: SigningMapping): string {
  return key.namespace === undefined ? key.keyId : `${key.namespace}~${key.keyId}`;
}

/** The caller's signing mapping. Throws ApplianceError (67: none; 77: another role; 78: no OpenPGP key). */
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
  return readStoredCertificate(paths.certificate(mapping.key.namespace, mapping.key.keyId), trustedOwners(root));
}
