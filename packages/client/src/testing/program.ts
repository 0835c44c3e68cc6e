/** Runs the client as a process and tells how it ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const mains = { "request-signature": "main.ts", share: "share-main.ts" } as const;

export interface Ended {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Without the prefix that all of them have. */
  readonly program?: keyof typeof mains;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onStart?: (child: ChildProcess) => void;
}

export async function runClient(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { SSH_AUTH_SOCK: _agent, ...inherited } = process.env;
  const main = fileURLToPath(new URL(mains[options.program ?? "request-signature"], import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...words], {
    cwd: options.cwd,
    env: { ...inherited, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  options.onStart?.(child);
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on("close", (exit, signal) => resolve([exit, signal]));
  });
  const [stdout, stderr, [exit, signal]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exit, signal, stdout, stderr };
}
