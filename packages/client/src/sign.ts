/** What `sign` does. */
import { readFileSync } from "node:fs";
import type { Invocation } from "@signstar/command/spec";
import type { Certificate } from "@signstar/openpgp/certificate";
import { limits } from "@signstar/primitives/limits";
import { connectTo } from "./connect.ts";
import { parseDestination } from "./destination.ts";
import { ClientError } from "./errors.ts";
import { exchangeOver } from "./exchange-over.ts";
import { stateLayout, timeoutMs } from "./options.ts";
import { planTargets } from "./output.ts";
import { reason } from "./reason.ts";
import { signFiles } from "./sign-files.ts";

export async function sign({ options, args, io }: Invocation): Promise<void> {
  const [where = "", ...files] = args;
  const armor = options.flag("armor");
  const targets = planTargets(files, { output: options.text("output"), outputDir: options.text("output-dir"), armor });
  if (targets.includes(undefined) && !armor && io.stdoutIsTerminal) {
    throw new ClientError("usage", "a binary signature is nothing for a terminal", { hint: "add --armor or --output" });
  }
  const destination = parseDestination(where);
  const { host } = destination;
  const timeout = timeoutMs(options);
  const open = await connectTo(destination, options, (line) => io.note(line));
  await signFiles({
    files,
    targets,
    exchange: exchangeOver(open, host, timeout),
    batch: { open, host, timeoutMs: timeout },
    layout: stateLayout(options),
    certificate: await loadCertificate(options.text("certificate")),
    armor,
    force: options.flag("force"),
    skipExisting: options.flag("skip-existing"),
    write: (bytes) => io.write(bytes),
    note: (line) => io.note(line),
    status: (line) => io.status(line),
  });
}

async function loadCertificate(path: string | undefined): Promise<Certificate | undefined> {
  if (path === undefined) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new ClientError("no-input", `${path} cannot be read: ${reason(cause)}`, { cause });
  }
  if (bytes.length > limits.certificateBytes) throw new ClientError("bad-certificate", `${path} is no certificate`);
  const { readCertificate } = await import("@signstar/openpgp/certificate");
  return readCertificate(bytes);
}
