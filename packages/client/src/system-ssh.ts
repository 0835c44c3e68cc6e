/** Requests over the system's ssh: its configuration, keys, jump hosts and prompts are the user's own. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Destination } from "./destination.ts";
import { ClientError } from "./errors.ts";
import { answerTooLong, type Exchange, maxAnswerBytes, noAnswer, requireSuccess } from "./exchange.ts";

export interface SystemSshOptions {
  /** The program and its first arguments. */
  readonly command: readonly [string, ...string[]];
  readonly destination: Destination;
  readonly port: number | undefined;
  readonly identity: string | undefined;
  readonly knownHosts: string | undefined;
  readonly timeoutMs: number;
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
 * One ssh process per request. What ssh and the server's program say goes straight to standard error, and ssh asks its
 * questions (unknown host key, passphrase, touch of a hardware key) on the terminal as ever.
 */
export function systemSsh(options: SystemSshOptions): Exchange {
  const [program, ...words] = options.command;
  const args = [...words, ...sshArguments(options)];
  const { host } = options.destination;
  return async (request) => {
    const { execa } = await import("execa");
    const result = await execa(program, args, {
      input: request,
      // ssh asks for the touch of a hardware key only where its standard error is the terminal itself.
      stderr: "inherit",
      encoding: "buffer",
      maxBuffer: maxAnswerBytes,
      stripFinalNewline: false,
      timeout: options.timeoutMs,
      forceKillAfterDelay: 2000,
      reject: false,
    });
    if (result.timedOut) throw noAnswer(host, options.timeoutMs);
    if (result.isMaxBuffer) throw answerTooLong(host);
    if (result.exitCode === 255) throw sshFailed(host);
    if (result.exitCode === undefined && result.signal === undefined) {
      throw new ClientError("connection-failed", `${program} cannot be started`, {
        hint: "install the OpenSSH client, or use --builtin-ssh",
        cause: result.cause,
      });
    }
    requireSuccess({ exit: result.exitCode, signal: result.signal }, host);
    return result.stdout;
  };
}

/** Options stand before the destination; `--` keeps it from being one. There is no remote command: ForceCommand decides. */
export function sshArguments(options: Omit<SystemSshOptions, "command" | "timeoutMs">): readonly string[] {
  const { destination, port, identity, knownHosts } = options;
  const args = ["-T", "-a", "-x", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none"];
  if (port !== undefined) args.push("-p", String(port));
  if (identity !== undefined) args.push("-o", `IdentityFile=${sshPath(identity)}`);
  if (knownHosts !== undefined) {
    args.push("-o", `UserKnownHostsFile=${sshPath(knownHosts)}`, "-o", "GlobalKnownHostsFile=/dev/null");
  }
  const { user, host } = destination;
  args.push("--", user === undefined ? host : `${user}@${host}`);
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
