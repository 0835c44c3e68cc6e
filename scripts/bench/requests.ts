/** What one signature costs on the appliance and over a fresh SSH connection. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../bundle.ts";
import { applianceConfig, type KeyTypeName } from "../stage/appliance-config.ts";
import { findPlace, makeKey, startStage } from "../stage/stage.ts";
import { cleanEnvironment, pairs, type Row, row, time } from "./measure.ts";

const keyTypes: readonly KeyTypeName[] = ["Ed25519", "RSA-2048", "EcP256"];

/** Runs on the appliance as the signing user: our program and an empty Node in turn, as sshd would start them. */
const timer = (n: number) => `#!/usr/bin/node
const { spawnSync } = require("node:child_process");
const input = require("node:fs").readFileSync(0);
const time = (args) => {
  const start = process.hrtime.bigint();
  const env = { ...${JSON.stringify(cleanEnvironment)}, SSH_CONNECTION: process.env.SSH_CONNECTION, SSH_USER_AUTH: process.env.SSH_USER_AUTH };
  const { status, stderr } = spawnSync("/usr/bin/node", args, { input, env });
  if (status !== 0) {
    process.stderr.write(stderr);
    process.exit(status ?? 70);
  }
  return Number(process.hrtime.bigint() - start) / 1e9;
};
const measured = [];
for (let run = -1; run < ${n}; run += 1) {
  const pair = [time(["/usr/bin/signstar-download-signature"]), time(["-e", "0"])];
  if (run >= 0) measured.push(pair);
}
console.log(JSON.stringify(measured));
`;

export async function requests(directory: string, n: number): Promise<Row[]> {
  const place = findPlace();
  if (place.mode !== "overlay") {
    console.error(`bench: left out: request.*: they need real users in an overlay; here there is ${place.why}`);
    return [];
  }
  const users = keyTypes.map((keyType, i) => {
    const user = `bench${i}`;
    const { file, publicKey } = makeKey(join(directory, user), user);
    return { user, file, publicKey, keyType, keyId: `key${i}`, openPgpUserId: "Bench <bench@example.org>" };
  });
  const server = join(directory, "server");
  mkdirSync(server);
  const stage = await startStage(place, {
    directory: server,
    config: applianceConfig(users),
    programs: { "bench-timer": timer(n) },
    matchBlocks: users
      .map(
        ({ user }) => `Match User ${user}
  ForceCommand case "$SSH_ORIGINAL_COMMAND" in time) unset SSH_ORIGINAL_COMMAND; exec /usr/bin/bench-timer;; true) exec /bin/true;; *) exec /usr/bin/signstar-download-signature;; esac
`,
      )
      .join(""),
  });
  try {
    const file = join(directory, "input");
    writeFileSync(file, "bench\n");
    const program = join(repository, "dist", "signstar-request-signature");
    const request = spawnSync(process.execPath, [program, "prepare", file], { encoding: "utf8" }).stdout;
    const ssh = ({ user, file }: { user: string; file: string }, ...word: string[]) => [
      ...["ssh", "-F", "none", "-p", String(stage.port), "-i", file, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
      ...["-o", `UserKnownHostsFile=${stage.knownHosts}`, `${user}@127.0.0.1`, ...word],
    ];
    const rows: Row[] = [];
    for (const user of users) {
      const [command = "", ...args] = ssh(user, "time");
      const { stdout, stderr, status } = spawnSync(command, args, { input: request, encoding: "utf8" });
      if (status !== 0) throw new Error(`bench-timer ended with ${status}: ${stderr}`);
      const measured = JSON.parse(stdout) as [number, number][];
      rows.push(
        row(`request.process.${user.keyType}`, "cost", "node -e 0, same node; TLS to soft-nethsm included", measured),
      );
    }
    const [first] = users;
    if (first !== undefined) {
      const measured = await pairs(
        n,
        () => time(ssh(first), request),
        () => time(ssh(first, "true")),
      );
      rows.push(row("request.ssh", "cost", "the same fresh ssh connection with /bin/true", measured));
    }
    return rows;
  } finally {
    await stage.stop();
  }
}
