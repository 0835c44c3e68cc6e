/** The client against the real sshd, over the system's ssh and over the built-in connection. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { dearmor } from "@signstar/openpgp/armor";
import { parseSignature } from "@signstar/openpgp/signature";
import { toUtf8 } from "@signstar/primitives/bytes";
import { parseSigningResponse } from "@signstar/signing-request/response";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { runClient } from "./testing/program.ts";
import { SoftwareSigner } from "./testing/software-signer.ts";
import { makeKey, publicKey, type Sshd, sshdMissing, startSshd } from "./testing/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "sshd-"));
const work = join(folder, "work");
const certificate = join(folder, "certificate.pgp");
const signer = new SoftwareSigner();
let sshd: Sshd;
/** Knows no batches. */
let plainSshd: Sshd;

beforeAll(async () => {
  if (sshdMissing !== undefined) return;
  writeFileSync(join(folder, "signer.pem"), signer.pem);
  writeFileSync(certificate, signer.certificate());
  const fakeServer = fileURLToPath(new URL("testing/fake-server.ts", import.meta.url));
  const command = `${process.execPath} ${fakeServer} ${join(folder, "signer.pem")}`;
  sshd = await startSshd(folder, command);
  mkdirSync(join(folder, "plain"));
  plainSshd = await startSshd(join(folder, "plain"), `${command} plain`);
});
afterAll(async () => {
  await sshd?.stop();
  await plainSshd?.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
});

function make(name: string, content = name): string {
  writeFileSync(join(work, name), content);
  return name;
}

/** Words for a connection that does not depend on the machine's own ssh configuration. */
const connections: Record<string, () => string[]> = {
  ssh: () => ["--ssh", "ssh -F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o BatchMode=yes"],
  "built-in": () => ["--builtin-ssh"],
};

interface SignOptions {
  readonly identity?: string;
  readonly knownHosts?: string;
  readonly at?: Sshd;
  readonly port?: number;
  readonly timeout?: number;
  readonly stdin?: string;
  readonly onStart?: (child: ChildProcess) => void;
}

function sign(connection: string, options: readonly string[], files: readonly string[], given: SignOptions = {}) {
  const { at = sshd, timeout = 20, ...others } = given;
  const { identity = at.identity, knownHosts = at.knownHosts, port = at.port, ...run } = others;
  const login = ["-p", String(port), "-i", identity, "--known-hosts", knownHosts, "--timeout", String(timeout)];
  const words = [
    ...(connections[connection]?.() ?? []),
    ...login,
    ...options,
    "--",
    `${sshd.user}@127.0.0.1`,
    ...files,
  ];
  return runClient(["sign", ...words], { cwd: work, ...run });
}

describe.skipIf(sshdMissing !== undefined).each(Object.keys(connections))("over %s", (connection) => {
  test("signs, checks and writes", async () => {
    const ended = await sign(connection, ["--certificate", certificate], [make("a"), make("-b")]);
    expect(ended).toEqual({ exit: 0, signal: null, stdout: "", stderr: "" });
    expect(readdirSync(work).toSorted()).toEqual(["-b", "-b.sig", "a", "a.sig"]);
    const { dataDigest } = parseSignature(new Uint8Array(readFileSync(join(work, "a.sig"))));
    expect(dataDigest).toEqual(new Uint8Array(createHash("sha512").update("a").digest()));
  });

  test("signs standard input, to standard output", async () => {
    const ended = await sign(connection, ["--armor"], ["-"], { stdin: "content" });
    expect(ended).toMatchObject({ exit: 0, stderr: "" });
    const { dataDigest } = parseSignature(dearmor(ended.stdout).bytes);
    expect(dataDigest).toEqual(new Uint8Array(createHash("sha512").update("content").digest()));
  });

  test("many files share one connection", async () => {
    const files = Array.from({ length: 300 }, (_, i) => make(`file ${i}`));
    const before = sshd.served();
    const ended = await sign(connection, ["--armor", "--certificate", certificate], files);
    expect(ended).toEqual({ exit: 0, signal: null, stdout: "", stderr: "" });
    expect(sshd.served() - before).toBe(1);
    for (const file of files) {
      const { dataDigest } = parseSignature(dearmor(readFileSync(join(work, `${file}.asc`), "utf8")).bytes);
      expect(dataDigest).toEqual(new Uint8Array(createHash("sha512").update(file).digest()));
    }
    expect(readdirSync(work)).toHaveLength(600);
  });

  test("bad files and bad answers do not stop the others, and are named", async () => {
    make("taken.sig");
    const files = ["exit 65", "good", "missing", "taken", "nasty\n\u001b[2J", "other", "forged", "last"];
    for (const name of files) if (name !== "missing") make(name);
    const ended = await sign(connection, ["--certificate", certificate], files);
    expect(ended).toMatchObject({ exit: 76, stdout: "" });
    for (const words of [
      "exit 65: 127.0.0.1 did not sign: told to\\x1b[2J fail 65",
      "missing: missing cannot be opened: no such file or directory",
      "taken: taken.sig exists already",
      "other: the answer is about another file",
    ]) {
      expect(ended.stderr).toContain(`${words}\n`);
    }
    expect(ended.stderr).toContain("forged: the signature does not verify with the certificate");
    expect(ended.stderr).toMatch(/5 of 8 files not signed: .*missing/);
    const signatures = readdirSync(work).filter((name) => !files.includes(name));
    expect(signatures.toSorted()).toEqual(["good.sig", "last.sig", "nasty\n\u001b[2J.sig", "taken.sig"]);
    expect(readFileSync(join(work, "taken.sig"), "utf8")).toBe("taken.sig");
  });

  test.each([
    ["crash", 70, "127.0.0.1 did not sign: its program has a fault"],
    ["stranger", 76, "127.0.0.1 answered what it was not asked"],
    ["huge", 76, "127.0.0.1 sent a line of more than 65536 bytes"],
  ])("a connection that ends with %s keeps what is finished and names the rest", async (name, exit, words) => {
    const ended = await sign(connection, [], [make("good"), make(name), make("later")]);
    expect(ended).toMatchObject({ exit, stdout: "" });
    expect(ended.stderr).toContain(`${words}\n`);
    expect(ended.stderr).toMatch(new RegExp(`2 of 3 files not signed: ${name}(, |; not tried: )later`));
    expect(readdirSync(work).toSorted()).toEqual(["good", "good.sig", "later", name].toSorted());
  });

  test("a server that knows no batches gets the files one by one", async () => {
    const ended = await sign(connection, [], [make("a"), make("missing-not"), make("b")], { at: plainSshd });
    const note = "signstar-request-signature: 127.0.0.1 signs one file per connection\n";
    expect(ended).toEqual({ exit: 0, signal: null, stdout: "", stderr: note });
    expect(readdirSync(work)).toHaveLength(6);
  });

  test("signatures that exist are checked and left, in a batch and for one file", async () => {
    const files = ["a", "b", "c"].map((name) => make(name));
    expect(await sign(connection, ["--armor"], ["a", "b"])).toMatchObject({ exit: 0 });
    const kept = readFileSync(join(work, "a.asc"));
    const again = ["--armor", "--skip-existing", "--certificate", certificate];
    expect(await sign(connection, again, files)).toMatchObject({ exit: 0, stderr: "" });
    expect(readFileSync(join(work, "a.asc"))).toEqual(kept);
    expect(readdirSync(work)).toContain("c.asc");
    const before = sshd.served();
    expect(await sign(connection, again, files)).toMatchObject({ exit: 0, stderr: "" });
    expect(await sign(connection, again, ["a"])).toMatchObject({ exit: 0, stderr: "" });
    expect(sshd.served()).toBe(before);
    writeFileSync(join(work, "a"), "changed");
    const changed = await sign(connection, again, files);
    expect(changed).toMatchObject({ exit: 73 });
    expect(changed.stderr).toContain("a: a.asc exists already and is no good signature of this file");
    expect(readFileSync(join(work, "a.asc"))).toEqual(kept);
  });

  test("a server without an answer is left after the time given", async () => {
    const ended = await sign(connection, [], [make("slow")], { timeout: 2 });
    expect(ended).toMatchObject({ exit: 75, stdout: "" });
    expect(ended.stderr).toContain("no answer from 127.0.0.1 within 2 s");
  });

  test("a key that may not log in ends 69", async () => {
    const ended = await sign(connection, [], [make("a"), make("b"), make("c")], { identity: sshd.stranger });
    expect(ended).toMatchObject({ exit: 69 });
    expect(ended.stderr).toMatch(/3 of 3 files not signed: a(, b, c|; not tried: b, c)\n/);
  });

  test("a host key that is not the known one, or revoked, ends 69", async () => {
    const [changed, revoked] = [join(folder, "changed"), join(folder, "revoked")];
    writeFileSync(changed, `[127.0.0.1]:${sshd.port} ${publicKey(sshd.stranger)}\n`);
    writeFileSync(revoked, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n@revoked * ${sshd.hostKey}\n`);
    for (const knownHosts of [changed, revoked]) {
      const ended = await sign(connection, [], [make("a")], { knownHosts });
      expect(ended).toMatchObject({ exit: 69, stdout: "" });
      expect(ended.stderr).toMatch(/revoked|CHANGED|not the one in known_hosts/i);
    }
    expect(readdirSync(work)).toEqual(["a"]);
  });

  test("nobody at the port ends 69", async () => {
    expect(await sign(connection, [], [make("a")], { port: 1 })).toMatchObject({ exit: 69, stdout: "" });
  });

  test("a signal leaves finished signatures whole and nothing else, not even ssh", async () => {
    const signal = connection === "ssh" ? "SIGTERM" : "SIGINT";
    const onStart = (child: ChildProcess): void => {
      const look = setInterval(() => {
        if (!existsSync(join(work, "good.sig"))) return;
        clearInterval(look);
        child.kill(signal);
      }, 10);
    };
    const ended = await sign(connection, [], [make("good"), make("slow"), make("later")], { onStart });
    expect(ended).toMatchObject({ signal, stdout: "" });
    expect(readdirSync(work).toSorted()).toEqual(["good", "good.sig", "later", "slow"]);
    expect(parseSignature(new Uint8Array(readFileSync(join(work, "good.sig")))).type).toBe(0);
    await vi.waitFor(() => expect(sshd.connections()).toBe(0), { timeout: 5000 });
  });
});

test.skipIf(sshdMissing !== undefined)("without ssh on the search path the built-in connection is used", async () => {
  const login = ["-p", String(sshd.port), "-i", sshd.identity, "--known-hosts", sshd.knownHosts];
  const words = ["sign", ...login, `${sshd.user}@127.0.0.1`, make("exit 69")];
  const ended = await runClient(words, { cwd: work, env: { PATH: folder } });
  expect(ended).toMatchObject({ exit: 69 });
  expect(ended.stderr).toContain("signstar-request-signature: 127.0.0.1: fake-server: error: told to\\x1b[2J fail");
});

describe.skipIf(sshdMissing !== undefined)("send", () => {
  let agent: ChildProcess;
  const socket = join(folder, "agent.sock");
  beforeAll(async () => {
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    while (!existsSync(socket)) await setTimeout(10);
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    for (const key of [sshd.stranger, sshd.identity, sshd.rsaIdentity]) execFileSync("ssh-add", ["-q", key], { env });
  });
  afterAll(async () => {
    const ended = once(agent, "exit");
    agent.kill();
    await ended;
  });

  function send(words: readonly string[], key = publicKey(sshd.identity)) {
    const where = ["--host", "127.0.0.1", "--port", String(sshd.port), "--user", sshd.user];
    const how = ["--agent-socket", socket, "--user-public-key", key, "--known-hosts", sshd.knownHosts];
    return runClient(["send", ...where, ...how, ...words], { cwd: work });
  }

  test("logs in with the named key of the agent and prints the response", async () => {
    const ended = await send([make("a")]);
    expect(ended).toMatchObject({ exit: 0, stderr: "" });
    const { signature } = parseSigningResponse(toUtf8(ended.stdout));
    const { dataDigest } = parseSignature(dearmor(signature).bytes);
    expect(dataDigest).toEqual(new Uint8Array(createHash("sha512").update("a").digest()));
  });

  test("logs in with an RSA key, without SHA-1", async () => {
    expect(await send([make("a")], publicKey(sshd.rsaIdentity))).toMatchObject({ exit: 0, stderr: "" });
  });

  test.each(["ecdsa", "ed25519", "rsa"])("logs in with an agent's %s key", async (type) => {
    const key = join(folder, `agent-${type}`);
    makeKey(key, type);
    sshd.authorize(key);
    execFileSync("ssh-add", ["-q", key], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    expect(await send([make("a")], publicKey(key))).toMatchObject({ exit: 0, stderr: "" });
  });

  test("goes through a master that is open already, unless keys or hosts are named", async () => {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    // The user's ssh_config, which OpenSSH does not look for below $HOME.
    const config = join(folder, "ssh_config");
    const known = `UserKnownHostsFile ${sshd.knownHosts}\nIdentityFile ${sshd.identity}\nIdentitiesOnly yes`;
    writeFileSync(config, `ControlPath ${join(folder, "cm-%C")}\n${known}\n`);
    writeFileSync(join(bin, "ssh"), `#!/bin/sh\nexec /usr/bin/ssh -F '${config}' "$@"\n`, { mode: 0o755 });
    const master = [`${sshd.user}@127.0.0.1`, "-p", String(sshd.port)];
    const env = { PATH: `${bin}:${process.env["PATH"]}`, SSH_AUTH_SOCK: "" };
    const words = ["send", "--host", "127.0.0.1", "--port", String(sshd.port), "--user", sshd.user, make("a")];
    const running = spawn(join(bin, "ssh"), ["-M", "-N", ...master], { stdio: "ignore" });
    const ended = once(running, "exit");
    await vi.waitFor(() => expect(readdirSync(folder).some((name) => name.startsWith("cm-"))).toBe(true), 10_000);
    const before = sshd.served();
    expect(await runClient(words, { cwd: work, env })).toMatchObject({ exit: 0, stderr: "" });
    expect(sshd.served()).toBe(before);
    expect(await send(["a"])).toMatchObject({ exit: 0 });
    expect(sshd.served()).toBe(before + 1);
    running.kill();
    await ended;
    expect((await runClient(words, { cwd: work, env: { ...env, HOME: folder } })).exit).toBe(69);
  });

  test("waits no longer for a login than it is told", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const where = ["--host", "127.0.0.1", "--port", String(port), "--user", "u", "--known-hosts", sshd.knownHosts];
    const how = ["--agent-socket", socket, "--connect-timeout", "1"];
    const ended = await runClient(["send", ...where, ...how, make("a")], { cwd: work });
    expect(ended).toMatchObject({ exit: 75, stdout: "" });
    expect(ended.stderr).toContain("no answer from 127.0.0.1 within 1 s");
    silent.close();
  });

  test("offers no other key than the named one", async () => {
    expect(await send([make("a")], publicKey(sshd.stranger))).toMatchObject({ exit: 69, stdout: "" });
    makeKey(join(folder, "absent"));
    const absent = await send(["a"], publicKey(join(folder, "absent")));
    expect(absent).toMatchObject({ exit: 69, stdout: "" });
    expect(absent.stderr).toContain("the ssh-agent does not have this key");
  });

  test("passes the server's words and exit code on, harmless for a terminal", async () => {
    const ended = await send([make("exit 77")]);
    expect(ended).toMatchObject({ exit: 77, stdout: "" });
    expect(ended.stderr).toContain("127.0.0.1: fake-server: error: told to\\x1b[2J fail\n");
  });

  test("prints no answer that is not about the file", async () => {
    expect(await send([make("other")])).toMatchObject({ exit: 76, stdout: "" });
  });

  test("sends the old layout on demand", async () => {
    expect(await send([make("legacy")])).toMatchObject({ exit: 65 });
    expect(await send(["--state-layout", "legacy", "legacy"])).toMatchObject({ exit: 0 });
  });
});
