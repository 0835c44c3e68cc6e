/**
 * Runs on the appliance as a user of its:  starts RUNS END CONFIG PROGRAM [WORD…]
 * Starts the program, as sshd would with the client's words, and an empty Node in turn; prints pairs of seconds. END is
 * the exit code that is expected, or `opened`: then the time is that until the program opens its connection to the
 * device, which is a listener of ours instead of the one in CONFIG.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";

const [runs = "", end = "", configFile = "", program = "", ...words] = process.argv.slice(2);
const input = readFileSync(0);
const { SSH_CONNECTION, SSH_USER_AUTH } = process.env;
const clean = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/nonexistent", LANG: "C.UTF-8" };
const env = { ...clean, SSH_CONNECTION, SSH_USER_AUTH, SSH_ORIGINAL_COMMAND: words.join(" ") };

let opened: (at: bigint) => void = () => undefined;
const device = createServer((socket: Socket) => {
  opened(process.hrtime.bigint());
  socket.on("error", () => undefined);
}).listen(0, "127.0.0.1");
await once(device, "listening");
const address = device.address();
const port = typeof address === "object" ? address?.port : undefined;
const config = `/tmp/bench-${process.pid}.toml`;
writeFileSync(
  config,
  readFileSync(configFile, "utf8").replace(/^url = .*$/m, `url = "https://127.0.0.1:${port}/api/v1"`),
);

async function time(command: string, args: readonly string[], expected: number | "opened"): Promise<number> {
  const reached = new Promise<bigint>((resolve) => {
    opened = resolve;
  });
  const start = process.hrtime.bigint();
  const child = spawn(command, args, { env, stdio: ["pipe", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (bytes) => {
    errors += bytes;
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const ended = once(child, "exit").then(([code]) => ({ code: Number(code), at: process.hrtime.bigint() }));
  if (expected === "opened") {
    const at = await Promise.race([reached, ended.then(() => Promise.reject(new Error(`no connection: ${errors}`)))]);
    child.kill("SIGKILL");
    await ended;
    return Number(at - start) / 1e9;
  }
  const { code, at } = await ended;
  if (code !== expected) throw new Error(`${command} ended with ${code}: ${errors}`);
  return Number(at - start) / 1e9;
}

const measured: [number, number][] = [];
for (let run = -1; run < Number(runs); run += 1) {
  const ours = () => time(program, ["--config", config], end === "opened" ? end : Number(end));
  const theirs = () => time("/usr/bin/node", ["-e", "0"], 0);
  const first = run % 2 === 0 ? await ours() : undefined;
  const reference = await theirs();
  const pair: [number, number] = [first ?? (await ours()), reference];
  if (run >= 0) measured.push(pair);
}
device.close();
console.log(JSON.stringify(measured));
process.exit();
