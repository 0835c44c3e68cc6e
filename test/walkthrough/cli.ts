/** `nethsm` in process, against a software device in process, with settings of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Io } from "@signstar/command/io";
import { runWith } from "@signstar/command/run";
import { nethsm } from "@signstar/nethsm-cli/nethsm";
import { Failure } from "@signstar/primitives/failure";
import { type ProvisionedSoftNethsm, provisioned, type SoftNethsmOptions } from "@signstar/soft-nethsm/testing";

export interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly bytes: Uint8Array;
  readonly notes: readonly string[];
  /** Of a failure: its message and hint. */
  readonly error: string | undefined;
  readonly hint: string | undefined;
}

export class Cli {
  readonly directory: string = mkdtempSync(join(tmpdir(), "nethsm-cli-"));
  /** As a terminal would be. */
  terminal = false;
  readonly device: ProvisionedSoftNethsm;

  constructor(device: ProvisionedSoftNethsm) {
    this.device = device;
  }

  /** A device with the users of `testUsers`, all of them in the settings. */
  static async make(options: SoftNethsmOptions = {}): Promise<Cli> {
    const cli = new Cli(await provisioned(options));
    await cli.good("env", "add", "device", "--label", "test", cli.device.url, cli.device.tlsFingerprint);
    for (const { name, role, passphrase } of Object.values(cli.device.users)) {
      writeFileSync(cli.file("passphrase"), passphrase);
      // One of them comes from a command, each time it is needed.
      const isAsked = role === "Metrics";
      const source = isAsked
        ? ["printf", passphrase].flatMap((word) => ["--passphrase-command", word])
        : ["-p", cli.file("passphrase")];
      await cli.good("env", "add", "credentials", name, role, ...source);
    }
    return cli;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  async run(...words: readonly string[]): Promise<Ended> {
    const written: Uint8Array[] = [];
    const notes: string[] = [];
    const io: Io = {
      stdin: new PassThrough(),
      stderrIsTerminal: this.terminal,
      stdoutIsTerminal: this.terminal,
      readStdin: async () => new Uint8Array(),
      write: (payload) => void written.push(Buffer.from(payload)),
      stream: async (payload) => void written.push(Buffer.from(payload)),
      note: (line) => void notes.push(line),
      status: () => undefined,
    };
    const ended = (exit: number, error?: Failure): Ended => {
      const bytes = Buffer.concat(error === undefined ? written : []);
      return { exit, out: bytes.toString(), bytes, notes, error: error?.message, hint: error?.hint };
    };
    try {
      return ended(await runWith(nethsm, ["--config", this.file("config.toml"), ...words], io));
    } catch (error) {
      if (error instanceof Failure) return ended(error.exit, error);
      throw error;
    }
  }

  /** What it printed; throws unless it ended well. */
  async good(...words: readonly string[]): Promise<string> {
    const { exit, out, error } = await this.run(...words);
    if (exit !== 0) throw new Error(`nethsm ${words.join(" ")} ended with ${exit}: ${error}`);
    return out;
  }

  async json(...words: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.good("--json", ...words));
  }
}
