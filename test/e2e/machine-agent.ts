/**
 * The inside of a Machine, in an overlay of this system:  node machine-agent.ts DIRECTORY
 * Installs everything, records the journal, serves SSH, and obeys orders from standard input, one JSON line each, until
 * that ends. Each answer is one JSON line on standard output, the first one Serving.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { installHere } from "../../scripts/stage/install-here.ts";
import { recordJournal } from "../../scripts/stage/journal-recorder.ts";
import { serveOpenSsh } from "../../scripts/stage/openssh-server.ts";
import { PathUnit, type Run } from "./path-unit.ts";

export interface Serving {
  readonly port: number;
  /** `type base64` */
  readonly hostKey: string;
}

export interface Orders {
  /** Runs a shell script as root. */
  readonly run: { readonly order: { readonly script: string }; readonly answer: Ran };
  /** Starts a program that goes on. Answers with its first line. */
  readonly start: {
    readonly order: { readonly name: string; readonly command: readonly string[] };
    readonly answer: { readonly line: string };
  };
  /** Ends it by SIGTERM. */
  readonly stop: { readonly order: { readonly name: string }; readonly answer: Record<string, never> };
  /** (Re)reads the path unit and watches what it names. */
  readonly load: { readonly order: object; readonly answer: Record<string, never> };
  /** Watches nothing any more. */
  readonly unload: { readonly order: object; readonly answer: Record<string, never> };
  /** Starts the service as the timer does. */
  readonly timer: { readonly order: object; readonly answer: Record<string, never> };
  /** Waits until the service rests. */
  readonly settle: { readonly order: object; readonly answer: { readonly runs: readonly Run[] } };
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const [directory = ""] = process.argv.slice(2);
const services = new Map<string, ChildProcess>();
const unit = new PathUnit(join(directory, "signstar-configure.log"));

const handlers: {
  readonly [Name in keyof Orders]: (order: Orders[Name]["order"]) => Promise<Orders[Name]["answer"]>;
} = {
  run: ({ script }) =>
    new Promise((resolve) => {
      const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LANG: "C.UTF-8" };
      const child = execFile("sh", ["-euc", script], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : (child.exitCode ?? 128), stdout, stderr });
      });
      child.stdin?.end();
    }),
  async start({ name, command: [program = "", ...args] }) {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    services.set(name, child);
    child.stderr.pipe(createWriteStream(join(directory, `${name}.log`), { flags: "a" }));
    for await (const line of createInterface({ input: child.stdout })) return { line };
    throw new Error(`${name} ended before it had started`);
  },
  async stop({ name }) {
    const child = services.get(name);
    services.delete(name);
    if (child === undefined) throw new Error(`${name} does not run`);
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill();
    await ended;
    return {};
  },
  async load() {
    unit.load();
    return {};
  },
  async unload() {
    unit.close();
    return {};
  },
  async timer() {
    unit.trigger("timer");
    return {};
  },
  async settle() {
    return { runs: await unit.settle() };
  },
};

interface Given {
  readonly name: keyof Orders;
  readonly order: unknown;
}

async function obey({ name, order }: Given): Promise<unknown> {
  const handler = handlers[name] as (order: unknown) => Promise<unknown>;
  return handler(order);
}

async function main(): Promise<void> {
  installHere();
  const journal = await recordJournal("/run/systemd/journal/stdout", join(directory, "journal.log"));
  mkdirSync("/run/sshd", { recursive: true });
  const hostKey = join(directory, "ssh_host_ed25519_key");
  const config = "/etc/ssh/sshd_config";
  const lines = ["Include /etc/ssh/sshd_config.d/*.conf", `HostKey ${hostKey}`, "PidFile none", "UsePAM no"];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const ssh = await serveOpenSsh({ sshd: "/usr/sbin/sshd", config, log: join(directory, "sshd.log") });
  const answer = (value: unknown) => console.log(JSON.stringify(value));
  const key = readFileSync(`${hostKey}.pub`, "utf8").split(" ").slice(0, 2).join(" ").trim();
  answer({ port: ssh.port, hostKey: key } satisfies Serving);

  for await (const line of createInterface({ input: process.stdin })) answer(await obey(JSON.parse(line) as Given));
  ssh.close();
  journal.close();
  unit.close();
  for (const service of services.values()) service.kill();
  process.exit(0);
}

await main();
