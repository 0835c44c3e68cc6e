/** What holds for every connection of a signing user, whoever runs the server. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import type { Appliance } from "./appliance.ts";
import { requestSignature } from "./clients.ts";

export interface Peer {
  /** Its sshd accepts every variable that a client sends. */
  readonly appliance: Appliance;
  /** Whose key is `releasekey`. */
  readonly user: string;
  /** A request that can be signed. */
  readonly request: string;
}

export function prepareRequest(file: string): string {
  writeFileSync(file, "I like strawberries\n");
  return spawnSync(requestSignature, ["prepare", file], { encoding: "utf8" }).stdout;
}

/** What a client must never be told: addresses, ids of the HSM, paths, configuration. */
export function expectNothingAboutTheHsm(text: string): void {
  expect(text).not.toMatch(/api\/v1|opreleasekey|releasekey|backupuser|tag|\/etc\/|\/var\/|\/run\/|toml|passphrase/i);
}

/** Registers the tests; `peer` is asked when they run. */
export function connectionLaws(peer: () => Peer): void {
  const destination = () => `${peer().user}@127.0.0.1`;
  const login = () => peer().appliance.sshArguments(peer().user);
  const ssh = (args: readonly string[], input?: string) => peer().appliance.ssh(peer().user, args, input);

  test("the plain protocol works with nothing but ssh", () => {
    const { status, stdout, stderr } = ssh([destination()], peer().request);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const response = JSON.parse(stdout);
    expect(response).toEqual({
      version: "1.0.0",
      signature: expect.stringMatching(/^-----BEGIN PGP SIGNATURE-----\n\n/),
    });
  });

  test.each([["sh -c id"], ["batch; id"], ["scp -f passwd"], ["\u001b[2J"]])("the words %j are refused", (words) => {
    const { status, stdout, stderr } = ssh([destination(), words], peer().request);
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
    const { status, stdout, stderr } = ssh([destination()], input);
    expect({ status, stdout }).toEqual({ status: 65, stdout: "" });
    expect(stderr).toMatch(/^signstar-download-signature: error: /m);
    expectNothingAboutTheHsm(stderr);
  });

  test("Node's own debugging tells a client nothing", () => {
    const { status, stdout, stderr } = spawnSync(
      "ssh",
      [...login(), "-o", "SendEnv=NODE_DEBUG NODE_V8_COVERAGE", destination()],
      {
        encoding: "utf8",
        input: peer().request,
        timeout: 30_000,
        env: { ...process.env, NODE_DEBUG: "net,tls,http,https", NODE_V8_COVERAGE: "/tmp/evil" },
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("BEGIN PGP SIGNATURE");
  });

  test("subsystems and file transfers are words like any others", () => {
    const stolen = peer().appliance.path("stolen");
    const [, , , port = ""] = login();
    const common = login().slice(4);
    const copied = spawnSync(
      "scp",
      ["-F", "none", "-P", port, ...common, `${peer().user}@127.0.0.1:/etc/passwd`, stolen],
      {
        encoding: "utf8",
        timeout: 30_000,
      },
    );
    expect(copied.status).not.toBe(0);
    expect(existsSync(stolen)).toBe(false);
    const sftp = ssh(["-s", destination(), "sftp"]);
    expect(sftp.status).not.toBe(0);
    expect(sftp.stdout).toBe("");
  });

  describe("forwarding", () => {
    test("a local port gets no byte of the HSM, and sshd's log says that it was refused", async () => {
      const port = await freePort();
      const forward = `${port}:127.0.0.1:${peer().appliance.url.port}`;
      const child = spawn("ssh", [...login(), "-N", "-L", forward, destination()]);
      const received = await exchange(port, Buffer.from("GET /api/v1/info HTTP/1.0\r\n\r\n"));
      child.kill();
      expect(received).toHaveLength(0);
      expect(peer().appliance.sshdLog()).toMatch(
        /refused local port forward|direct-tcpip.*(?:prohibited|refused|denied)/i,
      );
    });

    test("a dynamic port gets nothing but the ssh client's own refusal", async () => {
      const port = await freePort();
      const child = spawn("ssh", [...login(), "-N", "-D", String(port), destination()]);
      const hsm = Number(peer().appliance.url.port);
      // SOCKS 4: connect to the HSM; ssh answers that the request is granted before it has asked the server.
      const received = await exchange(port, Buffer.from([4, 1, hsm >> 8, hsm & 255, 127, 0, 0, 1, 0, 0x16, 3, 1]));
      child.kill();
      expect(received.length).toBeLessThanOrEqual(8);
    });

    test("a remote port is refused", () => {
      const args = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", destination()];
      const { status, stderr } = ssh(args);
      expect(status).toBe(255);
      expect(stderr).toMatch(/remote port forwarding failed/i);
    });
  });
}

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
