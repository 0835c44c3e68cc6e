// needs: root ssh sshd systemd-tmpfiles unshare useradd gpg
/** Every service beside signing, as its client sees it through the real sshd with the generated users and drop-ins. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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
    const field = (text: string) => concat(u32be(text.length).subarray(1), toUtf8(text));
    const head = [toUtf8("_NETHSM_UPDATE_\0"), field("signature"), field("notes"), field("5.1"), u32be(10)];
    const file = concat(...head, new Uint8Array(5120));
    const { status, out, err } = ask("update-up", [], file);
    expect([status, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toEqual({ staged: "update", sha256: sha256(file), bytes: file.length, version: "5.1" });
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

  test("nobody has another's words", () => {
    expect(ask("hsm-backup", ["last"]).status).toBe(66);
    for (const person of Object.keys(people) as Person[]) expect(ask(person, ["batch", "x"]).status).toBe(64);
  });
});
