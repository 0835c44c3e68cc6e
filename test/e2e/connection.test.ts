// needs: root ssh sshd systemd-tmpfiles unshare useradd
/** A connection is good for one thing: everything else that ssh can ask for is refused, and little is told. */
import { spawn, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Appliance } from "./appliance.ts";
import { connectionLaws, expectNothingAboutTheHsm, prepareRequest } from "./connection-laws.ts";

const program = "/usr/bin/signstar-download-signature";

/** In the place of a program: prints what reaches it of environment, terminal and open descriptors. */
const probe = `#!/bin/sh
echo "words: $SSH_ORIGINAL_COMMAND"
env
tty || true
ls -l /proc/self/fd
`;

let appliance: Appliance;
let request: string;
/** Seconds that a connection without a session lasted. It is left to itself while the other tests run. */
let unused: Promise<number>;

beforeAll(async () => {
  appliance = await Appliance.start({
    users: [{ user: "build", keyId: "releasekey", keyType: "Ed25519", openPgpUserId: "Build <build@example.org>" }],
    people: ["hsm-backup", "stranger", "root"],
    more: (publicKeyOf) => ({
      mappings: `[[users]]
[users.system_nethsm_backup]
system_user = "hsm-backup"
nethsm_user = "backupuser"
ssh_authorized_key = "${publicKeyOf("hsm-backup")}"
`,
      programs: { "signstar-download-backup": probe },
      setup: `useradd --no-create-home --shell /bin/sh stranger
usermod -p '*' stranger
for person in stranger root; do
  case $person in
    stranger) echo '${publicKeyOf("stranger")}' ;;
    root) echo '${publicKeyOf("root")}' ;;
  esac >/etc/ssh/test-$person.authorized_keys
done`,
      sshdConfig: "AcceptEnv *\nPermitRootLogin yes",
      // sshd starts our program for people whom the configuration does not know or knows in another role.
      matchBlocks: `Match User stranger,root
  AuthorizedKeysFile /etc/ssh/test-%u.authorized_keys
  ForceCommand ${program}
Match User hsm-backup
  ForceCommand if [ "$SSH_ORIGINAL_COMMAND" = sign ]; then unset SSH_ORIGINAL_COMMAND; exec ${program}; fi; exec /usr/bin/signstar-download-backup
`,
    }),
  });
  request = prepareRequest(appliance.path("input"));
  unused = connectForNothing();
}, 180_000);

afterAll(() => appliance?.stop());

describe("who may not sign", () => {
  test.each([
    ["a user without a mapping", "stranger", [], 67],
    ["a user of another role", "hsm-backup", ["sign"], 77],
    ["root", "root", [], 77],
  ])("%s", (_who, person, words, exit) => {
    const { status, stdout, stderr } = appliance.ssh(person, [`${person}@127.0.0.1`, ...words], request);
    expect({ status, stdout }, stderr).toEqual({ status: exit, stdout: "" });
    expect(stderr).toMatch(/^signstar-download-signature: error: /m);
    expectNothingAboutTheHsm(stderr);
  });

  test("whoever has another user's key", () => {
    const { status, stderr } = appliance.ssh("hsm-backup", ["build@127.0.0.1"], request);
    expect(status).toBe(255);
    expect(stderr).toContain("Permission denied");
  });
});

test("no terminal, agent, display or variable of the client reaches the program", () => {
  const args = ["-A", "-X", "-o", "SendEnv=NODE_OPTIONS LD_PRELOAD BASH_ENV CLIENT_SECRET", "hsm-backup@127.0.0.1"];
  const { stdout, stderr } = spawnSync("ssh", [...appliance.sshArguments("hsm-backup"), ...args], {
    encoding: "utf8",
    input: "",
    timeout: 30_000,
    env: {
      ...process.env,
      NODE_OPTIONS: "--import=/evil",
      BASH_ENV: "/evil",
      CLIENT_SECRET: "evil",
      DISPLAY: ":7",
      SSH_AUTH_SOCK: "/evil/agent",
    },
  });
  expect(stderr).toMatch(/X11 forwarding request failed/);
  expect(stdout).toMatch(/^SSH_CONNECTION=/m);
  expect(stdout).toMatch(/^SSH_USER_AUTH=/m);
  expect(stdout).toMatch(/^not a tty$/m);
  expect(stdout).not.toMatch(/SSH_AUTH_SOCK|DISPLAY|SSH_TTY|\/evil/);
  for (const name of ["NODE_OPTIONS", "LD_PRELOAD", "BASH_ENV"]) expect(stdout).toMatch(new RegExp(`^${name}=$`, "m"));
});

test("a demanded terminal is refused, and no program sees one", () => {
  const { status, stdout, stderr } = appliance.ssh("hsm-backup", ["-tt", "hsm-backup@127.0.0.1"]);
  expect(stderr).toMatch(/PTY allocation request failed/);
  expect(status === 255 || stdout.includes("not a tty")).toBe(true);
  expect(stdout).not.toMatch(/^\/dev\/pts/m);
});

test("a preloaded library of the client is not loaded", () => {
  const { stdout } = spawnSync(
    "env",
    [
      "LD_PRELOAD=/evil.so",
      "ssh",
      ...appliance.sshArguments("hsm-backup"),
      "-o",
      "SendEnv=LD_*",
      "hsm-backup@127.0.0.1",
    ],
    { encoding: "utf8", input: "", timeout: 30_000 },
  );
  expect(stdout).toMatch(/^LD_PRELOAD=$/m);
});

connectionLaws(() => ({ appliance, user: "build", request }));

test("a connection that asks for nothing is closed", async () => {
  // UnusedConnectionTimeout is 30 s.
  const seconds = await unused;
  expect(seconds).toBeGreaterThan(25);
  expect(seconds).toBeLessThan(45);
}, 60_000);

async function connectForNothing(): Promise<number> {
  // The shell takes the time: this process is busy with other tests when ssh ends.
  const timed = 'begun=$(date +%s); "$@"; echo $(($(date +%s) - begun))';
  const words = ["ssh", ...appliance.sshArguments("build"), "-N", "build@127.0.0.1"];
  const child = spawn("sh", ["-c", timed, "sh", ...words], { stdio: ["ignore", "pipe", "ignore"] });
  let seconds = "";
  for await (const bytes of child.stdout) seconds += String(bytes);
  return Number(seconds);
}
