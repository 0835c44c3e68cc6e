/** The real sshd on a loopback port, one process per connection, each ended by its process id. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";

const program = "/usr/sbin/sshd";

/** Why tests with sshd cannot run, if that was allowed to happen. */
export const sshdMissing =
  !existsSync(program) && process.env["SIGNSTAR_TEST_SKIP_MISSING"] === "1" ? `there is no ${program}` : undefined;
if (sshdMissing !== undefined) console.warn(`skipped: ${sshdMissing}`);

export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** Line of a .pub file. */
  readonly hostKey: string;
  /** Private keys that may log in, and one that may not. */
  readonly identity: string;
  readonly rsaIdentity: string;
  readonly stranger: string;
  /** With the right host key. */
  readonly knownHosts: string;
  /** Lets another key log in. */
  authorize(identity: string): void;
  /** How many connections there have been. */
  served(): number;
  /** How many are open. */
  connections(): number;
  stop(): Promise<void>;
}

/** Serves with `forceCommand`; keeps its files in `folder`. */
export async function startSshd(folder: string, forceCommand: string): Promise<Sshd> {
  for (const name of ["host", "identity", "stranger"]) makeKey(join(folder, name));
  makeKey(join(folder, "rsa"), "rsa");
  // sshd changes into this directory before it knows the user; root's sshd insists on it.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const authorized = join(folder, "authorized_keys");
  const mayLogIn = ["identity", "rsa"].map((name) => `restrict ${publicKey(join(folder, name))}\n`);
  writeFileSync(authorized, mayLogIn.join(""));
  const config = join(folder, "sshd_config");
  const lines = [
    `HostKey ${join(folder, "host")}`,
    `AuthorizedKeysFile ${authorized}`,
    `ForceCommand ${forceCommand}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin yes",
  ];
  writeFileSync(config, lines.map((line) => `${line}\n`).join(""));

  const running = new Set<ChildProcess>();
  let served = 0;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", () => undefined);
    const child = spawn(program, ["-i", "-f", config, "-E", join(folder, "sshd.log")], {
      stdio: [socket, socket, "ignore"],
    });
    running.add(child);
    served += 1;
    child.on("exit", () => running.delete(child));
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;

  const hostKey = publicKey(join(folder, "host"));
  const knownHosts = join(folder, "known_hosts");
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
  return {
    port,
    user: userInfo().username,
    hostKey,
    identity: join(folder, "identity"),
    rsaIdentity: join(folder, "rsa"),
    stranger: join(folder, "stranger"),
    knownHosts,
    authorize: (identity) => appendFileSync(authorized, `restrict ${publicKey(identity)}\n`),
    served: () => served,
    connections: () => running.size,
    async stop() {
      server.close();
      const ends = [...running].map((child) => once(child, "exit"));
      for (const child of running) child.kill();
      await Promise.all(ends);
    },
  };
}

export function makeKey(path: string, type = "ed25519"): void {
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "test", "-f", path]);
}

export function publicKey(path: string): string {
  return readFileSync(`${path}.pub`, "utf8").trim();
}
