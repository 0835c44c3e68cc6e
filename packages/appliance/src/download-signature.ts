import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import type { Config } from "@signstar/config/model";
import type { Pool } from "@signstar/nethsm/pool";
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

/**
 * What costs little and may refuse comes first; the network is loaded when all of it has agreed. While the connection
 * is on its way the certificate is judged: that takes cryptography, which TLS needs as well.
 */
async function answerOne(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const mapping = signingMappingOf(config, caller);
  const bytes = await io.readStdin({ bytes: limits.requestBytes, deadlineMs: limits.requestDeadlineMs });
  const request = parseSigningRequest(bytes);
  using pool = await poolFor(session, config);
  pool.prepare();
  using task = await prepare(session, { caller, config, mapping, pool });
  const { Signer } = await import("./signer.ts");
  const { signature } = await new Signer(task).sign(request, session.id);
  io.write(encodeSigningResponse(signature));
}

async function answerMany(session: Session, io: Io): Promise<void> {
  const { caller, config } = await session.open();
  const mapping = signingMappingOf(config, caller);
  using pool = await poolFor(session, config);
  using task = await prepare(session, { caller, config, mapping, pool });
  const [{ Signer }, { signBatch }] = await Promise.all([import("./signer.ts"), import("./batch.ts")]);
  await signBatch({ session, signer: new Signer(task), io, width: config.appliance.batchConcurrency });
}

/** Clients give up after 5 s of silence, so that 4.5 s are promised; some of that is for starting and the journal. */
const startWithinMs = 4_200;

async function poolFor({ paths, root }: Session, config: Config): Promise<Pool> {
  const connections = connectionsOf(config, paths, root);
  const { Pool } = await import("@signstar/nethsm/pool");
  return new Pool(connections, { random: Math.random, startWithinMs, maxSockets: config.appliance.batchConcurrency });
}

/** Everything but the devices themselves. A certificate that is not the pinned one or must not sign now is refused. */
async function prepare(
  session: Session,
  { caller, config, mapping, pool }: Opened & Pick<SignerOptions, "mapping" | "pool">,
): Promise<SignerOptions> {
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
  const passphrases = await passphrasesOf(config, mapping.operator, caller, paths);
  return {
    session,
    user: caller.name,
    mapping,
    certificate,
    pool,
    passphrases,
    warnings: config.warnings,
    [Symbol.dispose]: () => passphrases[Symbol.dispose](),
  };
}
