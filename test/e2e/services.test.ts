// needs: root ssh sshd systemd-tmpfiles unshare useradd gpg
/** Every service beside signing, as its client sees it through the real sshd with the generated users and drop-ins. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { concat, toUtf8, u32be } from "@signstar/primitives/bytes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Appliance } from "./appliance.ts";

const wireguardKey = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
const people = {
  "hsm-backup": 'system_nethsm_backup]\nnethsm_user = "backupuser"',
  "hsm-metrics":
    'system_nethsm_metrics]\nnethsm_users = { metrics_user = "metricsuser", operator_users = ["keymetrics"] }',
  certificates: "system_only_key_certificates]",
  wireguard: "system_only_wireguard_download]",
  "backup-up": "system_only_backup_upload]",
  "backup-up2": "system_only_backup_upload]",
  "update-up": "system_only_update_upload]",
} as const;
type Person = keyof typeof people;

let appliance: Appliance;

beforeAll(async () => {
  appliance = await Appliance.start({
    users: [{ user: "build", keyId: "releasekey", keyType: "Ed25519", openPgpUserId: "Build <build@example.org>" }],
    people: Object.keys(people),
    more: (publicKeyOf) => ({
      mappings: Object.entries(people)
        .map(([person, mapping]) => {
          const list = mapping.startsWith("system_only");
          const key = list ? `keys = ["${publicKeyOf(person)}"]` : `key = "${publicKeyOf(person)}"`;
          return `[[users]]\n[users.${mapping}\nsystem_user = "${person}"\nssh_authorized_${key}\n`;
        })
        .join("\n"),
      setup: `printf '%s\\n' '${wireguardKey}' >/var/lib/signstar/wireguard/public.key
chmod 0644 /var/lib/signstar/wireguard/public.key`,
    }),
  });
}, 120_000);
afterAll(() => appliance?.stop());

const ask = (person: Person, words: readonly string[] = [], input: string | Uint8Array = "") =>
  appliance.ask(person, words, input);

function updateOf(blocks: number): Uint8Array {
  const field = (text: string) => concat(u32be(text.length).subarray(1), toUtf8(text));
  const head = [toUtf8("_NETHSM_UPDATE_\0"), field("signature"), field("notes"), field("5.1"), u32be(blocks)];
  return concat(...head, new Uint8Array(blocks * 512));
}

/** An upload that is under way: its client has sent the first half. */
function begin(person: Person, file: Uint8Array) {
  const child = spawn("ssh", [...appliance.sshArguments(person), `${person}@127.0.0.1`], { stdio: "pipe" });
  child.stdin.on("error", () => undefined);
  child.stdin.write(file.subarray(0, file.length / 2));
  const ended = Promise.all([once(child, "close"), text(child.stdout)]).then(([[status], out]) => ({ status, out }));
  const finish = () => {
    child.stdin.end(file.subarray(file.length / 2));
    return ended;
  };
  return { child, ended, finish };
}

/** How many sessions of this program have begun. */
function sessionsOf(program: string): number {
  return appliance.journal().filter((entry) => entry["event"] === "session-start" && entry["program"] === program)
    .length;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("over SSH", () => {
  test("a fresh backup is fetched, and can be handed in again", async () => {
    const backup = ask("hsm-backup");
    expect([backup.status, backup.err]).toEqual([0, ""]);
    expect(await validateBackup([backup.bytes])).toMatchObject({ version: 1 });
    const { status, out, err } = ask("backup-up", [], backup.bytes);
    expect([status, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({
      staged: "backup",
      sha256: sha256(backup.bytes),
      bytes: backup.bytes.length,
    });
    expect(ask("backup-up", [], backup.bytes.subarray(0, 1000)).status).toBe(65);
  });

  test("an update is handed in", () => {
    const file = updateOf(10);
    const { status, out, err } = ask("update-up", [], file);
    expect([status, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toEqual({ staged: "update", sha256: sha256(file), bytes: file.length, version: "5.1" });
  });

  test("uploads of several users at a time do not meet, and one whose client is killed leaves nothing", async () => {
    const backup = ask("hsm-backup").bytes;
    const update = updateOf(400);
    const before = [sessionsOf("signstar-upload-backup"), sessionsOf("signstar-upload-update")];
    const uploads = [
      begin("backup-up", backup),
      begin("backup-up", backup),
      begin("backup-up2", backup),
      begin("update-up", update),
    ];
    const killed = begin("update-up", update);
    await expect
      .poll(() => [sessionsOf("signstar-upload-backup"), sessionsOf("signstar-upload-update")], { timeout: 20_000 })
      .toEqual([(before[0] ?? 0) + 3, (before[1] ?? 0) + 2]);
    killed.child.kill("SIGKILL");
    await killed.ended;
    const answers = await Promise.all(uploads.map(({ finish }) => finish()));
    expect(answers.map(({ status, out }) => [status, (JSON.parse(out) as { sha256: string }).sha256])).toEqual([
      ...[backup, backup, backup, update].map((file) => [0, sha256(file)]),
    ]);
    const refusals = () =>
      appliance.journal().filter(({ event, code }) => event === "refusal" && code === "not-acceptable");
    const users = (entry: Readonly<Record<string, unknown>>) =>
      appliance.journal().find(({ event, session }) => event === "session-start" && session === entry["session"])?.[
        "user"
      ];
    await expect.poll(() => refusals().map(users), { timeout: 20_000 }).toContain("update-up");
    expect(ask("update-up", [], update).status).toBe(0);
  });

  test("metrics tell of the key", () => {
    const { status, out, err } = ask("hsm-metrics");
    expect([status, err]).toEqual([0, ""]);
    expect(out).toMatch(/^nethsm_up\{device="127\.0\.0\.1:\d+"\} 1$/m);
    expect(out).toMatch(/^nethsm_key_operations_total\{.*key="releasekey"\} \d+$/m);
  });

  test("certificates and the WireGuard key are handed out", () => {
    const one = ask("certificates", ["releasekey"]);
    expect([one.status, one.err]).toEqual([0, ""]);
    const shown = spawnSync("gpg", ["--show-keys", "--with-colons"], { input: one.out, encoding: "utf8" });
    expect(shown.stdout).toContain(":Build <build@example.org>:");
    expect(ask("certificates").out).toBe(one.out);
    const key = ask("wireguard");
    expect([key.status, key.out, key.err]).toEqual([0, `${wireguardKey}\n`, ""]);
  });

  test("the backup that was kept after the last change is fetched", async () => {
    const kept = ask("hsm-backup", ["last"]);
    expect([kept.status, kept.err]).toEqual([0, ""]);
    expect(await validateBackup([kept.bytes])).toMatchObject({ version: 1 });
    expect(sha256(ask("hsm-backup", ["last"]).bytes)).toBe(sha256(kept.bytes));
  });

  test("nobody has another's words", () => {
    for (const person of Object.keys(people) as Person[]) expect(ask(person, ["batch", "x"]).status).toBe(64);
  });
});
