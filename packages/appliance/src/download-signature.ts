import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import type { SigningMapping } from "@signstar/config/model";
import type { Certificate } from "@signstar/openpgp/certificate";
import { limits } from "@signstar/primitives/limits";
import { requireCertificateOf } from "@signstar/signing/trust";
import { parseSigningRequest } from "@signstar/signing-request/request";
import { encodeSigningResponse } from "@signstar/signing-request/response";
import { Session, serverOptions } from "./session.ts";
import { connectionsOf, passphrasesOf, signingMappingOf, storedCertificate } from "./signing-task.ts";

/** `signstar-download-signature`: a signing request on standard input, the response on standard output. */
export const downloadSignature: ForcedCommand = {
  name: "signstar-download-signature",
  summary: "sign a request read from standard input",
  options: serverOptions,
  accepts: [[]],
  begin(options) {
    const session = new Session("signstar-download-signature", options);
    return { run: ({ io }) => answer(session, io), ended: (ending) => session.ended(ending) };
  },
};

/** What costs little and may refuse comes first; the network is loaded when all of it has agreed. */
async function answer(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const { paths, root } = session;
  const mapping = signingMappingOf(config, caller);
  const bytes = await io.readStdin({ bytes: limits.requestBytes, deadlineMs: limits.requestDeadlineMs });
  const request = parseSigningRequest(bytes);
  const certificate = storedCertificate(mapping, paths, root);
  if (certificate !== undefined) await requireFor(mapping, certificate);
  const connections = connectionsOf(config, paths, root);
  using passphrases = passphrasesOf(config, mapping, caller, paths);
  const { Signer } = await import("./signer.ts");
  const { warnings } = config;
  using signer = new Signer({ session, user: caller.name, mapping, certificate, connections, passphrases, warnings });
  io.write(encodeSigningResponse(await signer.sign(request, session.id)));
}

/** Refuses a certificate that is not the pinned one or must not sign now. That the device has its key, signing proves. */
async function requireFor({ certificateFingerprint }: SigningMapping, certificate: Certificate): Promise<void> {
  const { material } = certificate.key;
  const at = Math.floor(Date.now() / 1000);
  await requireCertificateOf({ certificate, material, at, pinnedFingerprint: certificateFingerprint });
}
