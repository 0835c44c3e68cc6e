import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import type { SigningMapping } from "@signstar/config/model";
import { limits } from "@signstar/primitives/limits";
import { requireCertificateOf } from "@signstar/signing/trust";
import { parseSigningRequest } from "@signstar/signing-request/request";
import { encodeSigningResponse } from "@signstar/signing-request/response";
import { connectionsOf, passphrasesOf } from "./device-access.ts";
import { type Opened, Session, serverOptions } from "./session.ts";
import type { SignerOptions } from "./signer.ts";
import { signingMappingOf, storedCertificate } from "./signing-task.ts";

const name = "signstar-download-signature";

/** A signing request on standard input, the response on standard output; with the word `batch` frames of them. */
export const downloadSignature: ForcedCommand = {
  name,
  summary: "sign a request read from standard input",
  description:
    "Run by sshd's ForceCommand. Without a command the client sends one signing request and gets one response.\n" +
    "With the command 'batch' it sends a frame a line and gets as many lines back, in the same order.",
  options: serverOptions,
  accepts: [[], ["batch"]],
  begin(options) {
    const session = new Session(name, options);
    return {
      run: ({ io, args }) => (args[0] === "batch" ? answerMany(session, io) : answerOne(session, io)),
      ended: (ending) => session.ended(ending),
    };
  },
};

/** What costs little and may refuse comes first; the network is loaded when all of it has agreed. */
async function answerOne(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const mapping = signingMappingOf(config, caller);
  const bytes = await io.readStdin({ bytes: limits.requestBytes, deadlineMs: limits.requestDeadlineMs });
  const request = parseSigningRequest(bytes);
  using task = await prepare(session, { caller, config }, mapping);
  const { Signer } = await import("./signer.ts");
  using signer = new Signer(task);
  io.write(encodeSigningResponse(await signer.sign(request, session.id)));
}

async function answerMany(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  using task = await prepare(session, { caller, config }, signingMappingOf(config, caller));
  const [{ Signer }, { signBatch }] = await Promise.all([import("./signer.ts"), import("./batch.ts")]);
  using signer = new Signer(task);
  await signBatch({ session, signer, io, width: config.appliance.batchConcurrency });
}

/** Everything but the devices themselves. A certificate that is not the pinned one or must not sign now is refused. */
async function prepare(session: Session, { caller, config }: Opened, mapping: SigningMapping): Promise<SignerOptions> {
  const { paths, root } = session;
  const certificate = storedCertificate(mapping, paths, root);
  if (certificate !== undefined) {
    await requireCertificateOf({
      certificate,
      // Whether a device holds this key, its signatures will show.
      material: certificate.key.material,
      at: Math.floor(Date.now() / 1000),
      pinnedFingerprint: mapping.certificateFingerprint,
    });
  }
  const connections = connectionsOf(config, paths, root);
  const passphrases = await passphrasesOf(config, mapping.operator, caller, paths);
  return {
    session,
    user: caller.name,
    mapping,
    certificate,
    connections,
    passphrases,
    warnings: config.warnings,
    concurrency: config.appliance.batchConcurrency,
    [Symbol.dispose]: () => passphrases[Symbol.dispose](),
  };
}
