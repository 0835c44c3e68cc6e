/** Links over the system's ssh: its configuration, keys, jump hosts and prompts are the user's own. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Destination } from "./destination.ts";
import { ClientError } from "./errors.ts";
import type { RemoteEnd } from "./exchange.ts";
import type { Link, OpenLink } from "./link.ts";
import { writeTo } from "./write-to.ts";

export interface SystemSshOptions {
  /** The program and its first arguments. */
  readonly command: readonly [string, ...string[]];
  readonly destination: Destination;
  readonly port: number | undefined;
  readonly identity: string | undefined;
  readonly knownHosts: string | undefined;
}

/** True if the search path has a program of this name. */
export function isInstalled(program: string, path = process.env["PATH"] ?? ""): boolean {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .some((folder) => isExecutable(join(folder, program)));
}

/** `COMMAND` of `--ssh`: words between blanks, no quoting. Throws ClientError `usage`. */
export function parseSshCommand(text: string): readonly [string, ...string[]] {
  const [program, ...words] = text.split(/[ \t]+/).filter((word) => word !== "");
  if (program === undefined) throw new ClientError("usage", "--ssh names no command");
  return [program, ...words];
}

/**
 * One ssh process per link. What ssh and the server's program say goes straight to standard error, and ssh asks its
 * questions (unknown host key, passphrase, touch of a hardware key) on the terminal as ever.
 */
export function systemSsh(options: SystemSshOptions): OpenLink {
  const [program, ...first] = options.command;
  const { host } = options.destination;
  return (words) => {
    const args = [...first, ...sshArguments(options, words)];
    // ssh asks for the touch of a hardware key only where its standard error is the terminal itself.
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    return linkTo(child, program, host);
  };
}

type Ssh = ChildProcessByStdio<Writable, Readable, null>;

function linkTo(child: Ssh, program: string, host: string): Link {
  const { stdin, stdout } = child;
  const ended = new Promise<RemoteEnd>((resolve, reject) => {
    child.once("error", (cause) => {
      const hint = "install the OpenSSH client, or use --builtin-ssh";
      reject(new ClientError("connection-failed", `${program} cannot be started`, { hint, cause }));
    });
    child.once("close", (exit, signal) => {
      if (exit === 255) reject(sshFailed(host));
      else resolve({ exit: exit ?? undefined, signal: signal ?? undefined });
    });
  });
  ended.catch(() => undefined);
  // An ssh that ends early is told of in `ended`.
  stdin.on("error", () => undefined);
  return {
    send: (text) => writeTo(stdin, text),
    finish: () => void stdin.end(),
    output: stdout,
    ended,
    close() {
      stdin.destroy();
      stdout.destroy();
      endProcess(child);
    },
  };
}

function endProcess(child: Ssh): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill();
  const last = setTimeout(() => child.kill("SIGKILL"), 2000).unref();
  child.once("exit", () => clearTimeout(last));
}

/** Options stand before the destination; `--` keeps it from being one. What runs there is ForceCommand's choice. */
export function sshArguments(options: Omit<SystemSshOptions, "command">, words = ""): readonly string[] {
  const { destination, port, identity, knownHosts } = options;
  const args = ["-T", "-a", "-x", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none"];
  if (port !== undefined) args.push("-p", String(port));
  if (identity !== undefined) args.push("-o", `IdentityFile=${sshPath(identity)}`);
  if (knownHosts !== undefined) {
    args.push("-o", `UserKnownHostsFile=${sshPath(knownHosts)}`, "-o", "GlobalKnownHostsFile=/dev/null");
  }
  const { user, host } = destination;
  args.push("--", user === undefined ? host : `${user}@${host}`);
  if (words !== "") args.push(words);
  return args;
}

/** A path as ssh_config(5) wants it: in quotes, and safe from the expansion of `~`, `%h` and `${VAR}`. */
function sshPath(path: string): string {
  if (/["\\\p{Cc}]|\$\{/u.test(path)) {
    throw new ClientError("usage", `the path ${path} cannot be passed to ssh`, {
      hint: "give the file a simpler name",
    });
  }
  return `"${resolve(path).replaceAll("%", "%%")}"`;
}

function sshFailed(host: string): ClientError {
  return new ClientError("connection-failed", `ssh to ${host} failed`, {
    hint: `its own message stands above; ssh -v ${host} tells more`,
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
