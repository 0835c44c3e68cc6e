/** An appliance to measure: in an overlay of this system, with real users and the real sshd. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { repository } from "../bundle.ts";
import { applianceConfig, type KeyTypeName } from "../stage/appliance-config.ts";
import { findPlace, makeKey, type Stage, startStage } from "../stage/stage.ts";

export interface BenchUser {
  readonly user: string;
  /** Its private SSH key. */
  readonly file: string;
  readonly publicKey: string;
  readonly keyType: KeyTypeName;
  readonly keyId: string;
  readonly openPgpUserId: string;
}

export interface BenchStage {
  readonly stage: Stage;
  readonly users: readonly BenchUser[];
  /** The command line of ssh. */
  ssh(user: BenchUser, ...words: string[]): string[];
  /** Standard output of a word. */
  run(user: BenchUser, words: string, input?: string): string;
}

/** Undefined where there cannot be one; why is told. */
export async function startBenchStage(
  directory: string,
  keyTypes: readonly KeyTypeName[],
  softNethsm: readonly string[] = [],
  setup: (first: BenchUser) => string = () => "",
): Promise<BenchStage | undefined> {
  const place = findPlace();
  if (place.mode !== "overlay") {
    console.error(`bench: rows with SSH are left out: they need real users in an overlay; here there is ${place.why}`);
    return undefined;
  }
  mkdirSync(join(directory, "server"), { recursive: true });
  const users = keyTypes.map((keyType, i) => {
    const user = `bench${i}`;
    const key = makeKey(join(directory, user), user);
    return { user, ...key, keyType, keyId: `key${i}`, openPgpUserId: "Bench <bench@example.org>" };
  });
  const stage = await startStage(place, {
    directory: join(directory, "server"),
    config: applianceConfig(users, "[appliance]\nbatch_concurrency = 32\n"),
    softNethsm,
    programs: {
      "bench-timer": await program("timer"),
      "bench-starts": await program("starts"),
      "bench-raw-sign": await program("raw-sign"),
      "bench-peak": await program("peak"),
    },
    setup: users.slice(0, 1).map(setup).join(""),
    matchBlocks: users.map(({ user }) => matchBlock(user)).join(""),
  });
  const ssh = ({ user, file }: BenchUser, ...words: string[]) => [
    ...["ssh", "-F", "none", "-p", String(stage.port), "-i", file, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
    ...["-o", `UserKnownHostsFile=${stage.knownHosts}`, `${user}@127.0.0.1`, ...words],
  ];
  return {
    stage,
    users,
    ssh,
    run(user, words, input = "") {
      const [command = "", ...args] = ssh(user, words);
      const { stdout, stderr, status } = spawnSync(command, args, { input, encoding: "utf8" });
      if (status !== 0) throw new Error(`${words} ended with ${status}: ${stderr}`);
      return stdout;
    },
  };
}

/** Words that start with `bench-`, and `true`, run what they say; everything else is the real program's. */
function matchBlock(user: string): string {
  return `Match User ${user}
  ForceCommand case "$SSH_ORIGINAL_COMMAND" in bench-*|true) c=$SSH_ORIGINAL_COMMAND; unset SSH_ORIGINAL_COMMAND; exec $c;; *) exec /usr/bin/signstar-download-signature;; esac
`;
}

async function program(name: string): Promise<string> {
  const result = await build({
    entryPoints: [join(repository, "scripts", "bench", "on-appliance", `${name}.ts`)],
    absWorkingDir: repository,
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
  });
  // The file has no extension: Node finds out that it is a module.
  return `#!/usr/bin/node\n${result.outputFiles[0]?.text ?? ""}`;
}
