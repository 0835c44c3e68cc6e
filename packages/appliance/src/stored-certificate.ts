import { HostError } from "@signstar/host/errors";
import { readSafeFile } from "@signstar/host/safe-file";
import { type Certificate, readCertificate } from "@signstar/openpgp/certificate";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { ApplianceError } from "./errors.ts";

/** The certificate in a file of root's; undefined if there is no such file. Throws ApplianceError (78). */
export function readStoredCertificate(path: string, owners: readonly number[]): Certificate | undefined {
  try {
    return readCertificate(readSafeFile(path, { maxBytes: limits.certificateBytes, owners, mode: "readable" }));
  } catch (cause) {
    if (cause instanceof HostError && cause.code === "file-missing") return undefined;
    throw new ApplianceError("certificate-unreadable", `certificate ${path} cannot be used: ${messageOf(cause)}`, {
      cause,
      hint: "signstar-configure writes certificates",
    });
  }
}
