/** An appliance with everything but systemd, in an overlay of this system, for tests that command it step by step. */
import type { ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildIfStale } from "../../scripts/build.ts";
import { repository } from "../../scripts/bundle.ts";
import { spawnInOverlay } from "../../scripts/stage/overlay.ts";
import { makeKey } from "../../scripts/stage/stage.ts";
import { Clients, type Server } from "./clients.ts";
import type { Orders, Ran, Serving } from "./machine-agent.ts";
import type { Run } from "./path-unit.ts";
import type { SoftDevice } from "./soft-device.ts";

export class Machine extends Clients {
  readonly #agent: Agent;

  private constructor(directory: string, server: Server, agent: Agent) {
    super(directory, server);
    this.#agent = agent;
  }

  static async start(): Promise<Machine> {
    await buildIfStale();
    const directory = mkdtempSync(join(tmpdir(), "signstar-machine-"));
    chmodSync(directory, 0o755);
    const served = join(directory, "server");
    mkdirSync(served);
    makeKey(join(served, "ssh_host_ed25519_key"), "host");
    const program = join(repository, "test", "e2e", "machine-agent.ts");
    const command = [process.execPath, program, served] as const;
    const agent = new Agent(spawnInOverlay({ writable: [served], readable: [repository], command }));
    const { port, hostKey } = (await agent.answer()) as Serving;
    const knownHosts = join(directory, "known_hosts");
    writeFileSync(knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
    return new Machine(directory, { port, knownHosts }, agent);
  }

  /** Makes the SSH key of a person, once. Returns the public half. */
  person(name: string): string {
    return makeKey(this.path(name), name).publicKey;
  }

  /** A shell script as root; whether it went well is for the caller to see. */
  try(script: string): Promise<Ran> {
    return this.#agent.obey("run", { script });
  }

  /** A shell script as root that has to go well. Returns what it printed. */
  async run(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.try(script);
    if (status !== 0) throw new Error(`${script}\nended with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  async startDevice(name: string): Promise<SoftDevice> {
    return this.#startDevice(name, await steadyPort());
  }

  /** What was stopped comes back at its address. */
  async restartDevice({ name, url }: SoftDevice): Promise<void> {
    await this.#startDevice(name, Number(new URL(url).port));
  }

  async stopDevice({ name }: SoftDevice): Promise<void> {
    await this.#agent.obey("stop", { name });
  }

  /** Users, drop-ins, directories and units as the configuration has them. */
  async build(config: string): Promise<void> {
    writeFileSync(this.path("server", "config.toml"), config);
    await this.run(`mkdir -p /etc/signstar
cp ${this.path("server", "config.toml")} /etc/signstar/config.toml
signstar-configure-build`);
    await this.#prepare();
  }

  /** The appliance starts again; the devices go on. */
  async reboot(): Promise<void> {
    await this.#agent.obey("unload", {});
    await this.run("rm -r /run/signstar");
    await this.#prepare();
    await this.timer();
  }

  /** The service of signstar-configure, started by the timer. */
  async timer(): Promise<void> {
    await this.#agent.obey("timer", {});
  }

  /** Waits until the service rests. Returns its runs since the last time. */
  async settle(): Promise<readonly Run[]> {
    const { runs } = await this.#agent.obey("settle", {});
    return runs;
  }

  /** What this host keeps for the HSM's users, by user. */
  async passphrases(): Promise<Readonly<Record<string, string>>> {
    const files = "/var/lib/signstar/home/*/.local/state/signstar/secrets/*";
    const lines = await this.run(`for file in ${files}; do echo "\${file##*/} $(cat "$file")"; done`);
    const found = [...lines.matchAll(/^(.+)\.txt (.+)$/gm)];
    return Object.fromEntries(found.map(([, user = "", passphrase = ""]) => [user, passphrase]));
  }

  /** All logs: the journal's, sshd's, the devices'. */
  recorded(): string {
    const logs = globSync("*.log", { cwd: this.path("server") });
    return logs.map((name) => readFileSync(this.path("server", name), "utf8")).join("");
  }

  async stop(): Promise<void> {
    await this.#agent.end();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #startDevice(name: string, port: number): Promise<SoftDevice> {
    const command = ["/usr/bin/soft-nethsm", "--data-dir", `/var/lib/${name}`, "--listen", `127.0.0.1:${port}`];
    const { line } = await this.#agent.obey("start", { name, command });
    const { url, tlsFingerprint } = JSON.parse(line) as { url: string; tlsFingerprint: string };
    return { name, url, pin: tlsFingerprint.replace("sha256:", "") };
  }

  async #prepare(): Promise<void> {
    await this.run("systemd-tmpfiles --create /usr/lib/tmpfiles.d/signstar*.conf");
    await this.#agent.obey("load", {});
  }
}

/** One order at a time, one answer for each. */
class Agent {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(process: ChildProcess) {
    if (process.stdout === null) throw new Error("the agent's output is not ours to read");
    this.#process = process;
    this.#answers = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  }

  async answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("the machine is gone");
    return JSON.parse(value);
  }

  async obey<Name extends keyof Orders>(name: Name, order: Orders[Name]["order"]): Promise<Orders[Name]["answer"]> {
    this.#process.stdin?.write(`${JSON.stringify({ name, order })}\n`);
    return (await this.answer()) as Orders[Name]["answer"];
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#process.once("close", () => resolve()));
    this.#process.stdin?.end();
    await ended;
  }
}

/** A free port that nobody is given who wants just any: it is still free when a device comes back. */
async function steadyPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
