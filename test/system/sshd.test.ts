// needs: ssh sshd systemd-sysusers systemd-tmpfiles unshare useradd
/** The appliance-wide drop-in of sshd together with those that signstar-configure-build writes, in the real sshd. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build.ts";
import { repository } from "../../scripts/bundle.ts";
import { spawnInOverlay, whyNoOverlay } from "../../scripts/stage/overlay.ts";
import { makeKey } from "../../scripts/stage/stage.ts";

const dropIn = join(repository, "sshd_config.d", "00-signstar.conf");

/** In the place of a program: says that it runs, and what the environment has of the client's. */
const probe = `#!/bin/sh
echo "probe $USER: CLIENT=\${CLIENT-unset} LD_PRELOAD=\${LD_PRELOAD-unset} words=\${SSH_ORIGINAL_COMMAND-unset}"
`;

/** An ordinary sshd_config of a distribution. */
const distribution = `Include /etc/ssh/sshd_config.d/*.conf
HostKey HOSTKEY
PasswordAuthentication yes
PermitRootLogin yes
KexAlgorithms diffie-hellman-group14-sha256
AcceptEnv LANG LC_* CLIENT LD_PRELOAD
Subsystem sftp internal-sftp
`;

const script = `
set -eu
cd "$DIR"
cp node /usr/bin/node
cp probe /usr/bin/signstar-download-backup
mkdir -p /etc/ssh/sshd_config.d /run/sshd /root/.ssh
rm -f /etc/ssh/sshd_config.d/*
cp "$REPOSITORY/sshd_config.d/00-signstar.conf" /etc/ssh/sshd_config.d/
"$REPOSITORY/dist/signstar-configure-build" $OPTION --config config.toml >/dev/null
systemd-tmpfiles --create signstar.conf signstar-user-hsm-backup.conf
sed "s,HOSTKEY,$DIR/host," sshd_config >/etc/ssh/sshd_config
printf '[127.0.0.1]:%s %s\\n' "$PORT" "$(cat host.pub)" >known_hosts
cp client.pub /root/.ssh/authorized_keys
mkdir -p /home/person/.ssh
useradd --home-dir /home/person --shell /bin/sh person
usermod -p '*' person
cp client.pub /home/person/.ssh/authorized_keys
chown -R person: /home/person
chmod 700 /root/.ssh /home/person /home/person/.ssh

echo "== check"
/usr/sbin/sshd -t 2>&1
echo "== settings"
/usr/sbin/sshd -T
echo "== settings hsm-backup"
/usr/sbin/sshd -T -C user=hsm-backup,host=h,addr=192.0.2.1
for pam in no yes; do
  /usr/sbin/sshd -D -E "$DIR/sshd-$pam.log" -o Port="$PORT" -o ListenAddress=127.0.0.1 -o PidFile=none -o UsePAM=$pam &
  server=$!
  n=0
  until grep -q "Server listening" "$DIR/sshd-$pam.log" 2>/dev/null || [ $n = 100 ]; do sleep 0.1; n=$((n + 1)); done
  try() {
    what=$1; shift
    echo "== $what, PAM $pam"
    LD_PRELOAD= CLIENT=evil timeout 20 ssh -F none -T -p "$PORT" -i "$DIR/client" -o BatchMode=yes \\
      -o UserKnownHostsFile="$DIR/known_hosts" -o SendEnv="CLIENT" "$@" </dev/null 2>&1 || echo "exit $?"
  }
  try backup hsm-backup@127.0.0.1 some words
  try sftp -s hsm-backup@127.0.0.1 sftp
  try root root@127.0.0.1 true
  try person person@127.0.0.1 true
  try password -o BatchMode=no -o NumberOfPasswordPrompts=0 -o PreferredAuthentications=password,keyboard-interactive hsm-backup@127.0.0.1
  try cbc -o Ciphers=aes256-cbc hsm-backup@127.0.0.1
  try nistp -o KexAlgorithms=ecdh-sha2-nistp256,diffie-hellman-group14-sha256 hsm-backup@127.0.0.1
  try sha1 -o MACs=hmac-sha1 -o Ciphers=aes256-ctr hsm-backup@127.0.0.1
  try ctr -o Ciphers=aes256-ctr -o MACs=hmac-sha2-256-etm@openssh.com hsm-backup@127.0.0.1
  kill $server
  wait $server || :
done
`;

const obstacle = whyNoOverlay();
if (obstacle !== undefined) console.error(`skipped: sshd with real users: ${obstacle}`);

const ways = [
  ["useradd", ""],
  ["systemd-sysusers", "--sysusers"],
] as const;

describe.skipIf(obstacle !== undefined).each(ways)(
  "sshd with the drop-ins of an appliance, users by %s",
  (_way, option) => {
    let directory: string;
    /** By heading. */
    let output: ReadonlyMap<string, string>;

    beforeAll(async () => {
      await buildIfStale();
      directory = mkdtempSync(join(tmpdir(), "signstar-sshd-"));
      chmodSync(directory, 0o755);
      makeKey(join(directory, "host"), "host");
      const { publicKey } = makeKey(join(directory, "client"), "client");
      writeFileSync(join(directory, "node"), readFileSync(process.execPath), { mode: 0o755 });
      writeFileSync(join(directory, "probe"), probe, { mode: 0o755 });
      writeFileSync(join(directory, "sshd_config"), distribution);
      writeFileSync(join(directory, "config.toml"), backupConfig(publicKey));
      writeFileSync(
        join(directory, "script"),
        `DIR='${directory}' OPTION=${option} REPOSITORY='${repository}' PORT=${await freePort()}\n${script}`,
      );
      output = sections(await runInOverlay(directory, ["sh", join(directory, "script")]));
    }, 120_000);

    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    test("is content with them", () => {
      expect(output.get("check")).toBe("");
    });

    test("takes the drop-in's values, whatever the rest of the file says", () => {
      const settings = (output.get("settings") ?? "").split("\n");
      expect(settings).toEqual(
        expect.arrayContaining([
          "authenticationmethods publickey",
          "passwordauthentication no",
          "kbdinteractiveauthentication no",
          "hostbasedauthentication no",
          "permitrootlogin no",
          "authorizedkeysfile none",
          "authorizedkeyscommand none",
          "trustedusercakeys none",
          "disableforwarding yes",
          "permituserenvironment no",
          "maxstartups 200:30:600",
          "persourcemaxstartups 50",
          "logingracetime 20",
          "clientaliveinterval 30",
          "clientalivecountmax 3",
        ]),
      );
      expect(settings.filter((line) => line.startsWith("acceptenv "))).toEqual([
        // sshd_config's own: these add up, and no drop-in can take them back.
        ...["LANG", "LC_*", "CLIENT", "LD_PRELOAD"].map((name) => `acceptenv ${name}`),
      ]);
    });

    test("offers modern algorithms and no other", () => {
      const settings = (output.get("settings") ?? "").split("\n");
      const offered = (name: string) =>
        settings.flatMap((line) => (line.startsWith(`${name} `) ? line.slice(name.length + 1).split(",") : []));
      expect(offered("kexalgorithms")).toContain("sntrup761x25519-sha512@openssh.com");
      for (const name of offered("kexalgorithms"))
        expect(name).toMatch(/^(?:mlkem768x25519-sha256|sntrup761x25519-sha512|curve25519-sha256)(?:@[a-z.]+)?$/);
      expect(offered("ciphers")).toEqual([
        ...["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"],
      ]);
      expect(offered("macs")).toEqual(["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com"]);
      expect(offered("hostkeyalgorithms")).toEqual([
        ...["ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", "rsa-sha2-512", "rsa-sha2-256"],
      ]);
      expect(offered("pubkeyacceptedalgorithms")).toEqual([
        ...["ssh-ed25519", "sk-ssh-ed25519@openssh.com"],
        ...["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com"],
        ...["rsa-sha2-512", "rsa-sha2-256"],
      ]);
      expect(offered("requiredrsasize")).toEqual(["2048"]);
    });

    test("gives a user of the config one program and its own keys", () => {
      expect((output.get("settings hsm-backup") ?? "").split("\n")).toEqual(
        expect.arrayContaining([
          "forcecommand /usr/bin/signstar-download-backup",
          "authorizedkeysfile /etc/ssh/signstar-user-hsm-backup.authorized_keys",
          "permittty no",
          "maxstartups 200:30:600",
        ]),
      );
    });

    describe.each(["no", "yes"])("UsePAM %s", (pam) => {
      const said = (what: string) => output.get(`${what}, PAM ${pam}`);

      test("starts the program, and only that", () => {
        // The variable comes through an AcceptEnv beside the drop-in, which nothing can take back.
        expect(said("backup")).toBe("probe hsm-backup: CLIENT=evil LD_PRELOAD= words=some words");
        expect(said("sftp")).toBe("probe hsm-backup: CLIENT=evil LD_PRELOAD= words=internal-sftp");
        expect(said("ctr")).toBe("probe hsm-backup: CLIENT=evil LD_PRELOAD= words=unset");
      });

      test.each(["root", "person"])("lets %s in with no key in a home", (who) => {
        expect(said(who)).toBe(`${who}@127.0.0.1: Permission denied (publickey).\nexit 255`);
      });

      test("offers no password", () => {
        expect(said("password")).toBe("hsm-backup@127.0.0.1: Permission denied (publickey).\nexit 255");
      });

      test.each([
        ["cbc", "cipher"],
        ["nistp", "key exchange method"],
        ["sha1", "MAC"],
      ])("has no %s", (what, name) => {
        expect(said(what)).toMatch(new RegExp(`no matching ${name} found.*\\nexit 255$`, "s"));
      });
    });

    test("no line of the drop-in brings in a variable of a client", () => {
      expect(readFileSync(dropIn, "utf8")).not.toMatch(/^\s*(?:AcceptEnv|Subsystem|Match|Include)/im);
    });
  },
);

function backupConfig(publicKey: string): string {
  return `iteration = 1
admin_secret_handling = "plaintext"
non_admin_secret_handling = "plaintext"
[[connections]]
url = "https://127.0.0.1:8443/api/v1"
tls_security = "Unsafe"
[[users]]
nethsm_only_admin = "admin"
[[users]]
[users.system_nethsm_backup]
system_user = "hsm-backup"
nethsm_user = "backup"
ssh_authorized_key = "${publicKey}"
`;
}

async function runInOverlay(directory: string, command: readonly [string, ...string[]]): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const child = spawnInOverlay({ writable: [directory], readable: [repository], command });
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin?.end();
  let text = "";
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  expect(await closed).toBe(0);
  return text.replaceAll("\r", "");
}

function sections(text: string): ReadonlyMap<string, string> {
  const parts = text.split(/^== /m).slice(1);
  return new Map(parts.map((part) => [part.split("\n", 1)[0] ?? "", part.slice(part.indexOf("\n") + 1).trimEnd()]));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
