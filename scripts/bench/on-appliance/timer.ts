/**
 * Runs on the appliance as the signing user:  timer RUNS PROGRAM [ARGUMENT…]
 * Starts the program and an empty Node in turn, as sshd would, with standard input for each; prints pairs of seconds.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const [runs = "", ...program] = process.argv.slice(2);
const input = readFileSync(0);
const { SSH_CONNECTION, SSH_USER_AUTH } = process.env;
const env = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/nonexistent",
  LANG: "C.UTF-8",
  SSH_CONNECTION,
  SSH_USER_AUTH,
};

function time([command = "", ...args]: readonly string[]): number {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(command, args, { input, env });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (status === 0) return seconds;
  console.error(`${command} ended with ${status}: ${stderr}`);
  process.exit(70);
}

const measured: [number, number][] = [];
for (let run = -1; run < Number(runs); run += 1) {
  const pair: [number, number] = [time(program), time(["/usr/bin/node", "-e", "0"])];
  if (run >= 0) measured.push(pair);
}
console.log(JSON.stringify(measured));
