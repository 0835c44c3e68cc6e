// needs: ssh sshd systemd-tmpfiles unshare useradd
/** A connection is good for one thing: everything else that ssh can ask for is refused, and little is told. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Appliance, requestSignature } from "./appliance.ts";

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
  const file = appliance.path("input");
  writeFileSync(file, "I like strawberries\n");
  request = spawnSync(requestSignature, ["prepare", file], { encoding: "utf8" }).stdout;
}, 180_000);

afterAll(() => appliance?.stop());

/** What a client must never be told: addresses, ids of the HSM, paths, configuration. */
function expectNothingAboutTheHsm(text: string): void {
  expect(text).not.toMatch(/api\/v1|opreleasekey|releasekey|backupuser|tag|\/etc\/|\/var\/|\/run\/|toml|passphrase/i);
}

test("the plain protocol works with nothing but ssh", () => {
  const { status, stdout, stderr } = appliance.ssh("build", ["build@127.0.0.1"], request);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const response = JSON.parse(stdout);
  expect(response).toEqual({
    version: "1.0.0",
    signature: expect.stringMatching(/^-----BEGIN PGP SIGNATURE-----\n\n/),
  });
});

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

test.each([["sh -c id"], ["batch; id"], ["scp -f passwd"], ["\u001b[2J"]])("the words %j are refused", (words) => {
  const { status, stdout, stderr } = appliance.ssh("build", ["build@127.0.0.1", words], request);
  expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
  expect(stderr).not.toContain("\u001b");
  expectNothingAboutTheHsm(stderr);
});

test.each([
  ["nothing", ""],
  ["no JSON", "hello\n"],
  ["binary", "\u0000\u0001\u0002"],
  ["too much", "x".repeat(70_000)],
])("a request of %s is refused", (_what, input) => {
  const { status, stdout, stderr } = appliance.ssh("build", ["build@127.0.0.1"], input);
  expect({ status, stdout }).toEqual({ status: 65, stdout: "" });
  expect(stderr).toMatch(/^signstar-download-signature: error: /m);
  expectNothingAboutTheHsm(stderr);
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

test("Node's own debugging tells a client nothing", () => {
  const { status, stdout, stderr } = spawnSync(
    "ssh",
    [...appliance.sshArguments("build"), "-o", "SendEnv=NODE_DEBUG NODE_V8_COVERAGE", "build@127.0.0.1"],
    {
      encoding: "utf8",
      input: request,
      timeout: 30_000,
      env: { ...process.env, NODE_DEBUG: "net,tls,http,https", NODE_V8_COVERAGE: "/tmp/evil" },
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("BEGIN PGP SIGNATURE");
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

test("subsystems and file transfers are words like any others", () => {
  const stolen = appliance.path("stolen");
  const [, , , port = ""] = appliance.sshArguments("build");
  const common = appliance.sshArguments("build").slice(4);
  const copied = spawnSync("scp", ["-F", "none", "-P", port, ...common, "build@127.0.0.1:/etc/passwd", stolen], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(copied.status).not.toBe(0);
  expect(existsSync(stolen)).toBe(false);
  const sftp = appliance.ssh("build", ["-s", "build@127.0.0.1", "sftp"]);
  expect(sftp.status).not.toBe(0);
  expect(sftp.stdout).toBe("");
});

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Connects until somebody listens, sends `bytes` and gives what came back before the connection ended. */
function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const attempt = () => {
      const received: Buffer[] = [];
      const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
      socket.on("data", (data) => received.push(data));
      socket.on("error", () => setTimeout(attempt, 100));
      socket.on("close", (failed) => {
        if (!failed) resolve(Buffer.concat(received));
      });
    };
    attempt();
  });
}

describe("forwarding", () => {
  test("a local port gets no byte of the HSM, and sshd's log says that it was refused", async () => {
    const port = await freePort();
    const forward = `${port}:127.0.0.1:${appliance.url.port}`;
    const child = spawn("ssh", [...appliance.sshArguments("build"), "-N", "-L", forward, "build@127.0.0.1"]);
    const received = await exchange(port, Buffer.from("GET /api/v1/info HTTP/1.0\r\n\r\n"));
    child.kill();
    expect(received).toHaveLength(0);
    expect(appliance.sshdLog()).toMatch(/refused local port forward|direct-tcpip.*(?:prohibited|refused|denied)/i);
  });

  test("a dynamic port gets nothing but the ssh client's own refusal", async () => {
    const port = await freePort();
    const child = spawn("ssh", [...appliance.sshArguments("build"), "-N", "-D", String(port), "build@127.0.0.1"]);
    const hsm = Number(appliance.url.port);
    // SOCKS 4: connect to the HSM; ssh answers that the request is granted before it has asked the server.
    const received = await exchange(port, Buffer.from([4, 1, hsm >> 8, hsm & 255, 127, 0, 0, 1, 0, 0x16, 3, 1]));
    child.kill();
    expect(received.length).toBeLessThanOrEqual(8);
  });

  test("a remote port is refused", () => {
    const args = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "build@127.0.0.1"];
    const { status, stderr } = appliance.ssh("build", args);
    expect(status).toBe(255);
    expect(stderr).toMatch(/remote port forwarding failed/i);
  });

  test("a connection that asks for nothing is closed", async () => {
    const start = Date.now();
    const child = spawn("ssh", [...appliance.sshArguments("build"), "-N", "build@127.0.0.1"]);
    await new Promise((resolve) => child.once("exit", resolve));
    // UnusedConnectionTimeout is 30 s.
    expect(Date.now() - start).toBeLessThan(45_000);
  }, 60_000);
});
