/** The generated files and users, judged by the real sshd, systemd-tmpfiles and shadow programs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { forceCommands, sshMappings, systemMappings } from "@signstar/config/mapping";
import { parseConfig } from "@signstar/config/parse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exampleConfig, isRoot, runProgram, Tree } from "./testing/tree.ts";

const config = parseConfig(readFileSync(exampleConfig, "utf8"));

function tool(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** What a distribution or a careless hand may have in sshd_config. */
const careless =
  "AcceptEnv *\nAllowTcpForwarding yes\nX11Forwarding yes\nPermitTTY yes\nPermitTunnel yes\nGatewayPorts yes\nPermitUserRC yes\n";
const applianceDropIn = new URL("../../../sshd_config.d/00-signstar.conf", import.meta.url);

/** A tree for the example, and an sshd_config that includes its drop-ins after a careless global part. */
async function configured(): Promise<{ tree: Tree; sshdConfig: string }> {
  const tree = new Tree();
  await runProgram("--config", exampleConfig.pathname, "--root", tree.root);
  const key = join(tree.root, "host_key");
  tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
  const sshdConfig = tree.put(
    "sshd_config",
    `HostKey ${key}\n${careless}Include ${tree.root}/etc/ssh/sshd_config.d/*.conf\n`,
  );
  if (isRoot) mkdirSync("/run/sshd", { recursive: true });
  return { tree, sshdConfig };
}

/** What `sshd -T` is to show for the lines of a Match block: keywords in lower case, times in seconds, a variable a line. */
function effective(block: string): readonly string[] {
  const [, ...lines] = block.trimEnd().split("\n");
  return lines.flatMap((line) => {
    const [keyword = "", ...values] = line.trim().split(" ");
    const name = keyword.toLowerCase();
    if (name === "setenv") return values.map((value) => `${name} ${value}`);
    return [`${name} ${name === "unusedconnectiontimeout" ? values.join(" ").replace(/s$/, "") : values.join(" ")}`];
  });
}

let tree: Tree;
let sshdConfig: string;
beforeAll(async () => {
  ({ tree, sshdConfig } = await configured());
});
afterAll(() => tree[Symbol.dispose]());

test("the example has every kind of mapping, so what is judged here is all there is", () => {
  const kinds = new Set(systemMappings(config).map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual([...Object.keys(forceCommands), "hermetic-metrics"].sort());
});

describe("sshd", () => {
  test("accepts the drop-ins", () => {
    expect(tool("/usr/sbin/sshd", "-t", "-f", sshdConfig)).toBe("");
  });

  const settingsOf = (user: string, file = sshdConfig) =>
    tool("/usr/sbin/sshd", "-T", "-f", file, "-C", `user=${user},host=h,addr=192.0.2.1`).split("\n");

  test.each(sshMappings(config).map(({ systemUser, kind }) => [systemUser, kind] as const))(
    "does for %s what its block says, line by line, with the appliance's drop-in and without",
    (user, kind) => {
      const lines = effective(tree.read(`etc/ssh/sshd_config.d/10-signstar-user-${user}.conf`));
      expect(lines).toEqual(
        expect.arrayContaining([
          `forcecommand /usr/bin/${forceCommands[kind]}`,
          `authorizedkeysfile /etc/ssh/signstar-user-${user}.authorized_keys`,
          "channeltimeout session:*=5m",
          "unusedconnectiontimeout 30",
          "setenv LD_PRELOAD=",
        ]),
      );
      expect(lines.length).toBeGreaterThan(20);
      expect(settingsOf(user)).toEqual(expect.arrayContaining([...lines]));
      const strict = tree.put("sshd_config.strict", `Include ${applianceDropIn.pathname}\n${tree.read("sshd_config")}`);
      expect(settingsOf(user, strict)).toEqual(expect.arrayContaining([...lines, "maxstartups 200:30:600"]));
    },
  );

  test("leaves other users what they had", () => {
    expect(settingsOf("somebody")).toEqual(
      expect.arrayContaining(["forcecommand none", "allowtcpforwarding yes", "permittty yes", "acceptenv *"]),
    );
  });

  test("finds every key behind `restrict`", () => {
    for (const { systemUser, authorizedKeys } of sshMappings(config)) {
      const file = join(tree.root, `etc/ssh/signstar-user-${systemUser}.authorized_keys`);
      const listed = tool("ssh-keygen", "-l", "-f", file).trim().split("\n");
      expect(listed.map((line) => line.split(" ")[1])).toEqual(authorizedKeys.map(({ fingerprint }) => fingerprint));
    }
  });
});

describe.skipIf(!isRoot)("as root (skipped for others: owners cannot be set)", () => {
  test("systemd-tmpfiles makes the directories with the owners and modes of the table", () => {
    tool("systemd-tmpfiles", `--root=${tree.root}`, "--create", ...readdirSync(join(tree.root, "usr/lib/tmpfiles.d")));
    const names = new Map(["passwd", "group"].map((file) => [file, idsOf(tree.read(`etc/${file}`))]));
    const listing = tool(
      "find",
      join(tree.root, "var/lib/signstar"),
      join(tree.root, "run/signstar"),
      "-printf",
      "%m %U %G %P\n",
    );
    const found = listing
      .trim()
      .split("\n")
      .map((line) => {
        const [mode, uid = "", gid = "", path] = line.split(" ");
        return `${mode} ${names.get("passwd")?.get(uid)}:${names.get("group")?.get(gid)} ${path}`;
      });
    const home = (user: string) => `700 ${user}:${user} home/${user}`;
    const parents = ["", "home", "certificates", "backup", "staging", "staging/backup", "staging/update", "wireguard"];
    const shares = ["", "secret-shares", ...["download", "confirm", "upload"].map((each) => `secret-shares/${each}`)];
    expect(found.sort()).toEqual(
      [
        ...[...parents, ...shares].map((path) => `755 root:root ${path}`),
        ...systemMappings(config).map(({ systemUser }) => home(systemUser)),
        "750 root:hsm-backup backup/hsm-backup",
        "700 backup-up:root staging/backup/backup-up",
        "700 update-up:root staging/update/update-up",
        "750 root:share-down secret-shares/download/share-down",
        "700 share-down:root secret-shares/confirm/share-down",
        "700 share-up:root secret-shares/upload/share-up",
      ].sort(),
    );
    const wanted = tree.state();
    tool("systemd-tmpfiles", `--root=${tree.root}`, "--create", ...readdirSync(join(tree.root, "usr/lib/tmpfiles.d")));
    expect(tree.state()).toBe(wanted);
  });

  test("a user that drifted in a tree is mended", async () => {
    using drifted = new Tree();
    const build = () => runProgram("--config", exampleConfig.pathname, "--root", drifted.root);
    await build();
    tool("groupmod", "--prefix", drifted.root, "--gid", "4000", "sign-packages");
    tool("usermod", "--prefix", drifted.root, "--shell", "/bin/bash", "--password", "!", "sign-releases");
    expect((await build()).output).toBe(
      "~ user sign-releases: shell /bin/bash → /bin/sh, password removed\n~ user sign-packages: group 4000 → 3001\n2 changes\n",
    );
    expect((await build()).output).toBe("nothing to change\n");

    const made = drifted.read("etc/passwd");
    drifted.put("etc/passwd", made.replace("wireguard:x:3007:3007:", "wireguard:x:3007:50:"));
    expect((await build()).output).toBe("~ user wireguard: group 50 → 3007\n1 change\n");
    expect(drifted.read("etc/passwd").split("\n").sort()).toEqual(made.split("\n").sort());
    expect(drifted.read("etc/group")).toContain("\nwireguard:x:3007:\n");
    expect((await build()).output).toBe("nothing to change\n");
  });

  test("--sysusers makes the same users, and leaves them for a later boot", async () => {
    using other = new Tree();
    const build = (...words: string[]) =>
      runProgram("--config", exampleConfig.pathname, "--root", other.root, ...words);
    await build("--sysusers");
    for (const file of ["etc/passwd", "etc/group"]) {
      expect(other.read(file).split("\n").sort()).toEqual(tree.read(file).split("\n").sort());
    }
    expect(other.read("etc/shadow")).toMatch(/^sign-releases:\*:/m);
    expect(other.read("etc/shadow")).not.toMatch(/^[a-z-]+:!/m);
    expect((await build("--sysusers")).output).toBe("nothing to change\n");

    using reset = new Tree();
    reset.put("usr/lib/sysusers.d/signstar.conf", other.read("usr/lib/sysusers.d/signstar.conf"));
    tool("systemd-sysusers", `--root=${reset.root}`, "signstar.conf");
    expect(reset.read("etc/passwd").split("\n").sort()).toEqual(tree.read("etc/passwd").split("\n").sort());

    expect((await build()).output).toBe("- file /usr/lib/sysusers.d/signstar.conf\n1 change\n");
  });

  test("users have a shell, no password, no home and no subordinate ids", () => {
    expect(tree.read("etc/passwd")).toContain(
      "\nsign-releases:x:3000:3000::/var/lib/signstar/home/sign-releases:/bin/sh\n",
    );
    expect(tree.read("etc/shadow")).toMatch(/^sign-releases:\*:[0-9]+:/m);
    expect(tree.read("etc/group")).toContain("\nsign-releases:x:3000:\n");
    expect([tree.read("etc/subuid"), tree.read("etc/subgid")]).toEqual(["", ""]);
    expect(readdirSync(join(tree.root, "usr"))).toEqual(["lib"]);
  });

  test("a live system: users made, changed and removed in a disposable overlay of this one", () => {
    const repository = new URL("../../../", import.meta.url).pathname;
    const program = new URL("./testing/main.ts", import.meta.url).pathname;
    const script = `
      set -eu
      mount -t tmpfs tmpfs /mnt
      mkdir /mnt/upper /mnt/work /mnt/root
      mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
      mkdir -p "/mnt/root/$REPOSITORY" /mnt/root/etc/signstar
      mount --bind "$REPOSITORY" "/mnt/root/$REPOSITORY"
      mount --rbind /proc /mnt/root/proc
      cp "$REPOSITORY/config.example.toml" /mnt/root/etc/signstar/config.toml
      chroot /mnt/root sh -euc '
        run() { "$NODE" "$PROGRAM" "$@" 2>/dev/null; }
        run | tail -n 1
        run
        getent passwd sign-releases | cut -d: -f1,6,7; getent shadow sign-releases | cut -d: -f2
        grep -c sign- /etc/subuid /etc/subgid || :
        usermod --shell /bin/bash sign-releases; passwd -l sign-packages >/dev/null
        run
        sed -i "s/^system_user = \\"hsm-backup\\"/system_user = \\"renamed\\"/" /etc/signstar/config.toml
        run --check | tail -n 1 || :
        setpriv --reuid hsm-backup --regid hsm-backup --clear-groups sleep 100 & busy=$!
        for i in $(seq 100); do [ "$(stat -c %U /proc/$busy)" = hsm-backup ] && break; sleep 0.05; done
        run || echo "exit $?"; test -e /etc/ssh/signstar-user-hsm-backup.authorized_keys || echo "no key"
        kill $busy; wait $busy || :
        usermod --gid staff sign-packages; groupmod --gid 2999 sign-releases
        run | grep -v "^    "
        id -g sign-packages; id -g sign-releases
        getent passwd hsm-backup || echo gone; getent group hsm-backup || echo gone
        sed -i "s/^system_user = \\"renamed\\"/system_user = \\"daemon\\"/" /etc/signstar/config.toml
        run || echo "exit $?"
      '`;
    const output = execFileSync("unshare", ["--mount", "sh", "-c", script], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], NODE: process.execPath, PROGRAM: program, REPOSITORY: repository },
    });
    expect(output.split("\n")).toEqual([
      "45 changes",
      "nothing to change",
      "sign-releases:/var/lib/signstar/home/sign-releases:/bin/sh",
      "*",
      "/etc/subuid:0",
      "/etc/subgid:0",
      "~ user sign-releases: shell /bin/bash → /bin/sh",
      "~ user sign-packages: password removed",
      "2 changes",
      "8 changes, not made",
      "exit 73",
      "no key",
      "- user hsm-backup",
      "~ user sign-releases: group 2999 → 3000",
      "~ user sign-packages: group 50 → 3001",
      expect.stringMatching(/^\+ user renamed \(uid [0-9]+\)$/),
      "- file /etc/ssh/sshd_config.d/10-signstar-user-hsm-backup.conf",
      "- file /usr/lib/tmpfiles.d/signstar-user-hsm-backup.conf",
      "+ file /usr/lib/tmpfiles.d/signstar-user-renamed.conf",
      "+ file /etc/ssh/signstar-user-renamed.authorized_keys",
      "+ file /etc/ssh/sshd_config.d/10-signstar-user-renamed.conf",
      "9 changes",
      "3001",
      "3000",
      "gone",
      "gone",
      "exit 78",
      "",
    ]);
  });
});

/** Names by number, of passwd or group. */
function idsOf(text: string): ReadonlyMap<string, string> {
  return new Map(text.split("\n").map((line) => [line.split(":")[2] ?? "", line.split(":")[0] ?? ""]));
}
