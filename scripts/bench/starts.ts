/** What the start of each program behind ForceCommand costs, up to where it opens the network or has done its work. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../bundle.ts";
import { executables } from "../executables.ts";
import { type BenchUser, startBenchStage } from "./bench-stage.ts";
import { type Row, row } from "./measure.ts";

interface Start {
  /** Of the user whose mapping the program wants; the HSM's user and its passphrase are those of the signing one. */
  readonly mapping: string;
  readonly words?: string;
  /** Exit code without input, or `opened`. */
  readonly end: number | "opened";
  readonly what: string;
}

const opened = { end: "opened", what: "until it opens the connection to the device" } as const;
const shares = 'ssh_authorized_keys = ["KEY", "OTHER"]';

const starts: Readonly<Record<string, Start>> = {
  "signstar-download-signature": { mapping: "", ...opened },
  "signstar-download-backup": {
    mapping: 'system_nethsm_backup]\nssh_authorized_key = "KEY"\nnethsm_user = "opkey0"',
    ...opened,
  },
  "signstar-download-metrics": {
    mapping:
      'system_nethsm_metrics]\nssh_authorized_key = "KEY"\nnethsm_users = { metrics_user = "opkey0", operator_users = [] }',
    ...opened,
  },
  "signstar-download-key-certificate": {
    mapping: 'system_only_key_certificates]\nssh_authorized_keys = ["KEY"]',
    end: 0,
    what: "whole, one certificate",
  },
  "signstar-download-wireguard": {
    mapping: 'system_only_wireguard_download]\nssh_authorized_keys = ["KEY"]',
    end: 0,
    what: "whole",
  },
  "signstar-download-secret-share": {
    mapping: `system_only_share_download]\n${shares}`,
    end: 66,
    what: "whole, there is no share",
  },
  "signstar-upload-secret-share": {
    mapping: `system_only_share_upload]\n${shares}`,
    words: "status",
    end: 0,
    what: "whole, status",
  },
  "signstar-upload-backup": {
    mapping: 'system_only_backup_upload]\nssh_authorized_key = "KEY"',
    end: 66,
    what: "whole, nothing is sent",
  },
  "signstar-upload-update": {
    mapping: 'system_only_update_upload]\nssh_authorized_key = "KEY"',
    end: 66,
    what: "whole, nothing is sent",
  },
};

export async function startForced(directory: string, n: number): Promise<Row[]> {
  const bench = await startBenchStage(join(directory, "starts"), ["Ed25519"], [], setup);
  if (bench === undefined) return [];
  try {
    const [user] = bench.users;
    if (user === undefined) return [];
    const file = join(directory, "input");
    writeFileSync(file, "bench\n");
    const client = join(repository, "dist", "signstar-request-signature");
    const request = spawnSync(process.execPath, [client, "prepare", file], { encoding: "utf8" }).stdout;
    return executables
      .filter(({ runner }) => runner === "forced")
      .map(({ name }) => {
        const start = starts[name];
        if (start === undefined) throw new Error(`nobody has said how ${name} is started`);
        const config = start.mapping === "" ? "config.toml" : `${name}.toml`;
        const words = `bench-starts ${n} ${start.end} /etc/signstar/${config} /usr/bin/${name} ${start.words ?? ""}`;
        const input = name === "signstar-download-signature" ? request : "";
        const measured = JSON.parse(bench.run(user, words, input)) as [number, number][];
        return row(`start.${name}`, "cost", `node -e 0, same node; ${start.what}`, measured);
      });
  } finally {
    await bench.stage.stop();
  }
}

/** A config for each program that has another role than signing, and what it then looks for. */
function setup({ user, publicKey }: BenchUser): string {
  const configs = Object.entries(starts).map(([name, { mapping }]) => {
    const [kind = "", ...members] = mapping.replaceAll("KEY", publicKey).replaceAll("OTHER", otherKey).split("]\n");
    const isShare = kind.startsWith("system_only_share");
    const text = [
      "iteration = 1",
      `admin_secret_handling = "${isShare ? "shamirs-secret-sharing" : "plaintext"}"`,
      'non_admin_secret_handling = "plaintext"',
      "[[connections]]",
      'url = "https://127.0.0.1:1/api/v1"',
      `tls_security = { Fingerprints = { sha256 = ["${"00".repeat(32)}"] } }`,
      '[[users]]\nnethsm_only_admin = "admin"',
      `[[users]]\n[users.${kind}]\nsystem_user = "${user}"\n${members.join("]\n")}`,
      ...(isShare ? [otherShareUser(kind, publicKey)] : []),
      "",
    ].join("\n");
    return mapping === "" ? "" : `cat >/etc/signstar/${name}.toml <<'END'\n${text}END\n`;
  });
  return `${configs.join("")}
mkdir -p /var/lib/signstar/wireguard /run/signstar/secret-shares/download/${user}
head -c 32 /dev/urandom | base64 >/var/lib/signstar/wireguard/public.key
for each in staging/backup staging/update; do
  mkdir -p /var/lib/signstar/$each/${user}; chown ${user} /var/lib/signstar/$each/${user}; chmod 0700 /var/lib/signstar/$each/${user}
done
`;
}

/** Shares that are fetched are handed in, too. */
function otherShareUser(kind: string, publicKey: string): string {
  const other = kind === "system_only_share_download" ? "system_only_share_upload" : "system_only_share_download";
  return `[[users]]\n[users.${other}]\nsystem_user = "other"\nssh_authorized_keys = ["${publicKey}", "${otherKey}"]`;
}

const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMMuakkOB/hXPQRSzf8XhD7uSnCaK03dio/SNB3cxRrt other@example.org";
