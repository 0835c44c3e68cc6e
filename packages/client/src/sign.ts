/** What `sign` does. */
import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import type { Invocation, Options } from "@signstar/command/spec";
import type { Certificate } from "@signstar/openpgp/certificate";
import { limits } from "@signstar/primitives/limits";
import { type Destination, parseDestination, parsePort } from "./destination.ts";
import { ClientError } from "./errors.ts";
import { exchangeOver } from "./exchange-over.ts";
import type { OpenLink } from "./link.ts";
import { stateLayout, timeoutMs } from "./options.ts";
import { planTargets } from "./output.ts";
import { signFiles } from "./sign-files.ts";
import { reason } from "./source-file.ts";

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
  const open = await linkTo(destination, options, (line) => io.note(`${host}: ${line}`));
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

async function linkTo(
  destination: Destination,
  options: Options,
  onRemoteLine: (line: string) => void,
): Promise<OpenLink> {
  const [port, identity, knownHosts] = [options.text("port"), options.text("identity"), options.text("known-hosts")];
  const portNumber = port === undefined ? undefined : parsePort(port);
  const { isInstalled, parseSshCommand, systemSsh } = await import("./system-ssh.ts");
  const command = options.text("ssh");
  const builtin = options.flag("builtin-ssh");
  if (builtin && command !== undefined) {
    throw new ClientError("usage", "--ssh and --builtin-ssh exclude each other");
  }
  if (command !== undefined || (!builtin && isInstalled("ssh"))) {
    const words = parseSshCommand(command ?? "ssh");
    return systemSsh({ command: words, destination, port: portNumber, identity, knownHosts });
  }
  const { connectBuiltin } = await import("./connect-builtin.ts");
  return connectBuiltin({
    host: destination.host,
    port: portNumber ?? 22,
    user: destination.user ?? userInfo().username,
    home: homedir(),
    identity,
    publicKey: undefined,
    agentSocket: process.env["SSH_AUTH_SOCK"] || undefined,
    knownHosts,
    timeoutMs: timeoutMs(options),
    onRemoteLine,
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
