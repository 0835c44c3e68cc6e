// needs: root findmnt setpriv sshd strace systemd-analyze systemd-tmpfiles unshare useradd
/** The services of systemd/, each run within what its unit leaves it, and the system calls that it makes on the way. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repository } from "../../scripts/bundle.ts";
import { Appliance } from "./appliance.ts";

/** As systemd would start them, but for what start-unit leaves out; the system calls of each in NAME.trace. */
const setup = `
directory=$1
start() {
  trace=$1; shift
  strace -f -qq -o "$directory/$trace.trace" "${repository}/scripts/stage/start-unit" "${repository}/systemd/system/$@"
}
list() { find "$1" -type f -printf '%m %u:%g %P\\n' | sort; }
cd /var/lib/signstar
list . >"$directory/before"
rm -r certificates/* home/*/.local
start configure signstar-configure.service "" apply
list . >"$directory/after"
start metrics signstar-metrics@.service hsm-local-metrics
list /run/signstar-metrics >"$directory/metrics"
mkdir -p /usr/lib/signstar
cp "${repository}/systemd/scripts/make-wireguard-key" /usr/lib/signstar
start wireguard signstar-wireguard-key.service ""
list wireguard >"$directory/wireguard"
sed 's,^ExecStart=.*,ExecStart=/usr/bin/probe,' "${repository}/systemd/system/signstar-configure.service" >/run/probe.service
"${repository}/scripts/stage/start-unit" /run/probe.service "" "$(id -u build)" >"$directory/probe"
`;

/** In the place of a program: what a unit leaves it. */
const probe = `#!/bin/sh
for path in /usr/new /etc/new /run/new /root/new /home/new /var/lib/signstar/new /run/signstar/new /tmp/new; do
  (: >$path) 2>/dev/null && echo "can write $path"
done
ls /dev | tr '\\n' ' '; echo
sed -n 's/^NoNewPrivs:[[:space:]]*/no new privileges: /p; s/^Groups:[[:space:]]*/groups: /p' /proc/self/status
setpriv --dump | sed -n 's/^Capability bounding set: /capabilities: /p'
setpriv --reuid=$1 --regid=$1 --clear-groups -- sleep 60 & sleep 0.2; kill $! && echo "can end a process of uid $1"
`;

let appliance: Appliance;
beforeAll(async () => {
  appliance = await Appliance.start({
    users: [{ user: "build", keyId: "releasekey", keyType: "Ed25519", openPgpUserId: "Build <build@example.org>" }],
    people: ["wireguard"],
    more: (publicKeyOf) => ({
      setup,
      programs: { probe },
      mappings: `[[users]]
[users.hermetic_system_nethsm_metrics]
system_user = "hsm-local-metrics"
nethsm_users = { metrics_user = "localmetrics", operator_users = [] }
[[users]]
[users.system_only_wireguard_download]
system_user = "wireguard"
ssh_authorized_keys = ["${publicKeyOf("wireguard")}"]
`,
    }),
  });
}, 120_000);
afterAll(() => appliance?.stop());

const left = (name: string) => readFileSync(appliance.path("server", name), "utf8").trimEnd().split("\n");

test("signstar-configure makes what is missing, each file as its owner's", () => {
  expect(left("after")).toEqual(left("before"));
  expect(left("after")).toEqual(
    expect.arrayContaining([
      "644 root:root certificates/releasekey.pgp",
      "600 build:build home/build/.local/state/signstar/secrets/opreleasekey.txt",
      "600 root:root creds/admin-credentials.toml",
    ]),
  );
});

test("the metrics lie where the collector reads them", () => {
  expect(left("metrics")).toEqual(["644 hsm-local-metrics:hsm-local-metrics hsm-local-metrics/signstar.prom"]);
});

test("the WireGuard key pair is made", () => {
  expect(left("wireguard")).toEqual(["600 root:root private.key", "644 root:root public.key"]);
});

test("a program has what the unit leaves it, and no more", () => {
  const capabilities = "chown,dac_override,kill,setgid,setuid";
  expect(left("probe")).toEqual([
    ...["/var/lib/signstar/new", "/run/signstar/new", "/tmp/new"].map((path) => `can write ${path}`),
    "fd full null random tty urandom zero ",
    "groups: ",
    "no new privileges: 1",
    `capabilities: ${capabilities}`,
    expect.stringMatching(/^can end a process of uid \d+$/),
  ]);
});

describe("system calls", () => {
  test.each([
    ["configure", "signstar-configure.service", "/usr/bin/signstar-configure"],
    ["metrics", "signstar-metrics@.service", "/usr/bin/signstar-download-metrics"],
    ["wireguard", "signstar-wireguard-key.service", "/usr/lib/signstar/make-wireguard-key"],
  ])("of %s are those that its unit allows", (trace, unit, program) => {
    const text = readFileSync(join(repository, "systemd", "system", unit), "utf8");
    const made = callsOf(left(`${trace}.trace`), program);
    expect(made.size).toBeGreaterThan(30);
    const allowed = allowedBy(text);
    expect([...made].filter((call) => !allowed.has(call))).toEqual([]);
  });

  test("of signstar-configure would not all be allowed without the groups that it adds", () => {
    const allowed = allowedBy("SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources\n");
    const made = callsOf(left("configure.trace"), "/usr/bin/signstar-configure");
    expect([...made].filter((call) => !allowed.has(call)).sort()).toEqual(["fchown", "setgroups", "setuid"]);
  });
});

/** The names of the calls from the start of the program on. */
function callsOf(trace: readonly string[], program: string): Set<string> {
  const start = trace.findIndex((line) => line.includes(` execve("${program}", `) && line.endsWith(" = 0"));
  expect(start).toBeGreaterThan(0);
  const names = trace
    .slice(start)
    .flatMap((line) => /^\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed>)/.exec(line)?.[1] ?? []);
  return new Set(names);
}

/** systemd.exec(5), SystemCallFilter=: the first line is a list of what is allowed, later ones add to it or, with ~, take away. */
function allowedBy(unit: string): Set<string> {
  const groups = callGroups();
  const members = (name: string): string[] =>
    name.startsWith("@") ? (groups.get(name) ?? []).flatMap(members) : [name];
  const allowed = new Set(members("@default"));
  for (const [, without, list = ""] of unit.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
    for (const name of list.split(" ").flatMap(members)) {
      if (without === "~") allowed.delete(name);
      else allowed.add(name);
    }
  }
  return allowed;
}

function callGroups(): ReadonlyMap<string, string[]> {
  const { stdout } = spawnSync("systemd-analyze", ["syscall-filter", "--no-pager"], { encoding: "utf8" });
  const parts = stdout.split(/^(?=@)/m).map((part) => part.split("\n").map((line) => line.trim()));
  return new Map(
    parts.map(([name = "", ...lines]) => [name, lines.filter((line) => /^@?[a-z0-9_-]+$/.test(line))] as const),
  );
}
