/** The built-in connection against servers that do what no sshd would. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2, { type Connection, type ServerChannel } from "ssh2";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { builtinSsh } from "./builtin-ssh.ts";
import { exchangeOver } from "./exchange-over.ts";
import { parseKnownHosts } from "./known-hosts.ts";
import { loginMethods } from "./login-keys.ts";
import { makeKey, publicKey } from "./testing/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "builtin-"));
const keyNames = ["ed25519", "ecdsa", "rsa"] as const;
beforeAll(() => {
  for (const type of keyNames) makeKey(join(folder, type), type);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Opened {
  readonly port: number;
  close(): void;
}

const opened: Opened[] = [];
afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

/** A server that lets everybody in; `session` gets the channel of an empty command. */
async function serve(
  session: (channel: ServerChannel, connection: Connection) => void,
  greet?: (connection: Connection) => void,
): Promise<Opened> {
  const hostKeys = keyNames.map((name) => readFileSync(join(folder, name)));
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys }, (connection) => {
    connections.add(connection);
    connection.on("error", () => undefined);
    connection.on("authentication", (context) => context.accept());
    greet?.(connection);
    connection.on("session", (accept) => {
      accept().on("exec", (acceptExec, reject, { command }) => {
        if (command === "") session(acceptExec(), connection);
        else reject();
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const made = {
    port: address !== null && typeof address === "object" ? address.port : 0,
    close: () => {
      for (const connection of connections) connection.end();
      server.close();
    },
  };
  opened.push(made);
  return made;
}

const lines: string[] = [];

function exchange(port: number, given: { knownHosts?: string; timeoutMs?: number } = {}): Promise<Uint8Array> {
  lines.length = 0;
  const { knownHosts = `[127.0.0.1]:${port} ${publicKey(join(folder, "ed25519"))}`, timeoutMs = 5000 } = given;
  const identity = join(folder, "ed25519");
  const open = builtinSsh({
    host: "127.0.0.1",
    port,
    user: "build",
    methods: loginMethods({ user: "build", home: folder, agentSocket: undefined, publicKey: undefined, identity }),
    knownHosts: parseKnownHosts(knownHosts),
    timeoutMs,
    onRemoteLine: (line) => lines.push(line),
  });
  return exchangeOver(open, "127.0.0.1", timeoutMs)("request");
}

test("the request goes in, the answer comes out", async () => {
  const { port } = await serve((channel) => {
    let seen = "";
    channel.on("data", (piece: Buffer) => {
      seen += piece.toString();
    });
    channel.on("end", () => {
      channel.stderr.write("one\ntwo");
      channel.write(`got ${seen}`);
      channel.exit(0);
      channel.end();
    });
  });
  expect(Buffer.from(await exchange(port)).toString()).toBe("got request");
  expect(lines).toEqual(["one", "two"]);
});

test.each(keyNames)("the server is asked for the %s key, if that is the one known", async (name) => {
  const { port } = await serve((channel) => {
    channel.exit(0);
    channel.end();
  });
  const knownHosts = `[127.0.0.1]:${port} ${publicKey(join(folder, name))}`;
  expect(await exchange(port, { knownHosts })).toHaveLength(0);
});

describe("a hostile server", () => {
  test("that sends without end is left", async () => {
    const { port } = await serve((channel) => {
      const chunk = Buffer.alloc(32 * 1024, 0x78);
      const pump = (): void => {
        while (channel.writable && channel.write(chunk));
        channel.once("drain", pump);
      };
      pump();
    });
    await expect(exchange(port)).rejects.toMatchObject({ code: "bad-answer", exit: 76 });
  });

  test("that complains without end is heard for 16 KiB", async () => {
    const { port } = await serve((channel) => {
      for (let i = 0; i < 5000; i += 1) channel.stderr.write(`${"y".repeat(99)}\n`);
      channel.exit(65);
      channel.end();
    });
    await expect(exchange(port)).rejects.toMatchObject({ code: "remote-failed", exit: 65 });
    expect(lines.join("\n").length).toBeLessThanOrEqual(16 * 1024);
    expect(lines.length).toBeGreaterThan(100);
  });

  test("that ends without an exit status has not succeeded", async () => {
    const { port } = await serve((channel) => {
      channel.write("answer");
      channel.end();
    });
    await expect(exchange(port)).rejects.toMatchObject({ code: "remote-failed", exit: 76 });
  });

  test("whose program is killed has not succeeded", async () => {
    const { port } = await serve((channel) => {
      channel.exit("KILL");
      channel.end();
    });
    await expect(exchange(port)).rejects.toThrow("ended by signal SIGKILL");
  });

  test("that hangs up in the middle", async () => {
    const { port } = await serve((channel, connection) => {
      channel.write("half");
      setImmediate(() => connection.end());
    });
    await expect(exchange(port)).rejects.toMatchObject({ exit: expect.toBeOneOf([69, 76]) });
  });

  test("that never answers the login, or never the request", async () => {
    const silent = await serve(
      () => undefined,
      (connection) => {
        connection.removeAllListeners("authentication");
        connection.on("authentication", () => undefined);
      },
    );
    await expect(exchange(silent.port, { timeoutMs: 500 })).rejects.toMatchObject({ code: "no-answer", exit: 75 });
    const slow = await serve(() => undefined);
    await expect(exchange(slow.port, { timeoutMs: 500 })).rejects.toMatchObject({ code: "no-answer", exit: 75 });
  });

  test("that is not the one known gets no request", async () => {
    let sessions = 0;
    const { port } = await serve(() => {
      sessions += 1;
    });
    const other = publicKey(join(folder, "ed25519"));
    for (const knownHosts of ["", `[127.0.0.1]:${port + 1} ${other}`, `@cert-authority * ${other}`]) {
      await expect(exchange(port, { knownHosts })).rejects.toMatchObject({ code: "host-key-refused", exit: 69 });
    }
    expect(sessions).toBe(0);
  });
});
