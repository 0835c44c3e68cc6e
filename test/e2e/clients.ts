/** People with SSH keys, and what they do to a server over SSH. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../scripts/bundle.ts";

export const requestSignature = join(repository, "bin", "signstar-request-signature");

export interface Answer {
  readonly status: number | null;
  readonly bytes: Uint8Array;
  readonly out: string;
  readonly err: string;
}

/** What an SSH server on loopback is known by. */
export interface Server {
  readonly port: number;
  readonly knownHosts: string;
}

/** `directory` has the SSH key of each person under that person's name, and in `server` what the server has recorded. */
export abstract class Clients {
  readonly directory: string;
  protected readonly server: Server;

  constructor(directory: string, server: Server) {
    this.directory = directory;
    this.server = server;
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** ssh's arguments to be `person`; options come first, the destination and words are the caller's. */
  sshArguments(person: string): string[] {
    return [
      ...["-F", "none", "-p", String(this.server.port), "-i", this.path(person), "-o", "IdentitiesOnly=yes"],
      ...["-T", "-o", "BatchMode=yes", "-o", `UserKnownHostsFile=${this.server.knownHosts}`],
    ];
  }

  ssh(person: string, args: readonly string[], input: string | Uint8Array = ""): SpawnSyncReturns<string> {
    return spawnSync("ssh", [...this.sshArguments(person), ...args], { encoding: "utf8", input, timeout: 60_000 });
  }

  /** `person` logs in as the Unix user of this name. */
  ask(person: string, words: readonly string[] = [], input: string | Uint8Array = ""): Answer {
    const args = [...this.sshArguments(person), `${person}@127.0.0.1`, ...words];
    const { status, stdout, stderr } = spawnSync("ssh", args, { input, timeout: 60_000, maxBuffer: 1 << 26 });
    return { status, bytes: new Uint8Array(stdout), out: stdout.toString(), err: stderr.toString() };
  }

  /** The options of our own clients to be `person`. */
  clientOptions(person: string): string[] {
    return ["-p", String(this.server.port), "-i", this.path(person), "--known-hosts", this.server.knownHosts];
  }

  /** `signstar-request-signature sign` as `user`. */
  sign(user: string, args: readonly string[]): SpawnSyncReturns<string> {
    const options = { encoding: "utf8", timeout: 300_000 } as const;
    return spawnSync(requestSignature, ["sign", ...this.clientOptions(user), ...args], options);
  }

  /** `signstar-share` of a holder, with one of the accounts for shares. */
  share(holder: string, command: "fetch" | "send", user: string, args: readonly string[]): SpawnSyncReturns<string> {
    const words = [command, ...this.clientOptions(holder), `${user}@127.0.0.1`, ...args];
    return spawnSync(join(repository, "bin", "signstar-share"), words, { encoding: "utf8", timeout: 60_000 });
  }

  /** The entries that reached the journal so far, in order of arrival. */
  journal(): Readonly<Record<string, unknown>>[] {
    return readFileSync(this.path("server", "journal.log"), "utf8")
      .split("\n")
      .map((line) => /^<\d>(\{.*\})$/.exec(line)?.[1])
      .filter((json) => json !== undefined)
      .map((json) => JSON.parse(json) as Record<string, unknown>);
  }

  sshdLog(): string {
    return readFileSync(this.path("server", "sshd.log"), "utf8");
  }
}
