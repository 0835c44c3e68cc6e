/** Starts serve.ts in the way that this machine allows, and waits until it is ready. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import ssh2 from "ssh2";
import { repository } from "../bundle.ts";
import { spawnInOverlay, whyNoOverlay } from "./overlay.ts";
import type { Ready, Spec } from "./serve.ts";

export interface Place {
  readonly mode: Spec["mode"];
  /** The Unix user that clients log in as. */
  readonly user: string;
  /** Whom the server runs as, where that is not the caller. */
  readonly uid?: number;
  readonly why: string;
}

export interface Stage extends Ready {
  readonly place: Place;
  /** A known_hosts file with the server's key. */
  readonly knownHosts: string;
  stop(): Promise<void>;
}

const nobody = 65534;

/** Real users in an overlay if we may, otherwise the caller alone through sshd, otherwise the embedded server. */
export function findPlace(sshd = "/usr/sbin/sshd"): Place {
  const hasSshd = isExecutable(sshd);
  if (process.geteuid?.() !== 0) {
    const user = userInfo().username;
    if (hasSshd) return { mode: "openssh", user, why: "OpenSSH's sshd, as your own user" };
    return { mode: "embedded", user, why: "the embedded SSH server: there is no OpenSSH server on this machine" };
  }
  const obstacle = hasSshd ? whyNoOverlay() : "there is no OpenSSH server on this machine";
  if (obstacle === undefined) {
    return { mode: "overlay", user: "build", why: "OpenSSH's sshd, in a disposable overlay of this system" };
  }
  // Our programs refuse root, and sshd cannot serve `nobody`, whose shell is nologin.
  return { mode: "embedded", user: "nobody", uid: nobody, why: `the embedded SSH server, as nobody: ${obstacle}` };
}

export async function startStage(place: Place, spec: Omit<Spec, "mode">): Promise<Stage> {
  const { directory } = spec;
  mkdirSync(directory, { recursive: true });
  const key = makeKey(join(directory, "ssh_host_ed25519_key"), "host");
  const file = join(directory, "spec.json");
  writeFileSync(file, JSON.stringify({ ...spec, mode: place.mode } satisfies Spec));
  if (place.uid !== undefined) {
    for (const path of [directory, key.file]) chownSync(path, place.uid, place.uid);
  }
  const command = [process.execPath, join(repository, "scripts", "stage", "serve.ts"), file] as const;
  const server =
    place.mode === "overlay"
      ? spawnInOverlay({ writable: [directory], readable: [repository], command })
      : spawn(command[0], command.slice(1), {
          stdio: ["pipe", "pipe", "inherit"],
          ...(place.uid === undefined ? {} : { uid: place.uid, gid: place.uid }),
        });
  const ready = await firstLine(server);
  const knownHosts = join(directory, "known_hosts");
  writeFileSync(knownHosts, `[127.0.0.1]:${ready.port} ${ready.hostKey}\n`);
  return { ...ready, place, knownHosts, stop: () => stop(server) };
}

/** Makes an Ed25519 SSH key pair: FILE (0600) and FILE.pub. */
export function makeKey(file: string, comment: string): { readonly file: string; readonly publicKey: string } {
  const { private: secret, public: publicKey } = generateKeyPair(comment);
  writeFileSync(file, secret, { mode: 0o600 });
  chmodSync(file, 0o600);
  writeFileSync(`${file}.pub`, `${publicKey}\n`);
  return { file, publicKey };
}

/** ssh2 drops a leading zero byte of the point: one pair of 256 cannot be read again, not even by ssh2. */
function generateKeyPair(comment: string): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

async function firstLine(server: ChildProcess): Promise<Ready> {
  if (server.stdout === null) throw new Error("the server's output is not ours to read");
  for await (const line of createInterface({ input: server.stdout })) return JSON.parse(line) as Ready;
  throw new Error("the server ended before it was ready");
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  server.stdin?.end();
  await ended;
}

function isExecutable(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}
