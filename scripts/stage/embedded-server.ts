/**
 * A small SSH server for machines without OpenSSH's sshd. It reads the same drop-in files, accepts only their keys,
 * starts only their ForceCommand, and offers nothing else. It is not OpenSSH and not for production.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { readAuthorizedKeys, type UserBlock } from "./drop-in.ts";
import type { SshServer } from "./openssh-server.ts";

interface EmbeddedOptions {
  readonly hostKey: string;
  /** The programs run as the caller, whoever logs in. */
  readonly users: readonly UserBlock[];
}

export async function serveEmbedded({ hostKey, users }: EmbeddedOptions): Promise<SshServer> {
  const server = new ssh2.Server({ hostKeys: [readFileSync(hostKey)] }, (connection, { ip, port }) => {
    let session: { user: UserBlock; key: string } | undefined;
    connection.on("error", () => connection.end());
    connection.on("authentication", (context) => {
      const user = users.find(({ user }) => user === context.username);
      if (context.method !== "publickey" || user === undefined) return context.reject(["publickey"]);
      const key = `${context.key.algo} ${context.key.data.toString("base64")}`;
      if (!readAuthorizedKeys(readFileSync(user.authorizedKeysFile, "utf8")).includes(key)) return context.reject();
      if (context.signature && context.blob) {
        const parsed = ssh2.utils.parseKey(key);
        if (parsed instanceof Error) return context.reject();
        if (parsed.verify(context.blob, context.signature, context.hashAlgo) !== true) return context.reject();
        session = { user, key };
      }
      return context.accept();
    });
    connection.on("session", (accept) => {
      const channel = accept();
      channel.on("exec", (acceptExec, _reject, { command }) => {
        if (session === undefined) return connection.end();
        return execute(acceptExec(), session, command, `${ip} ${port} 127.0.0.1 ${address().port}`);
      });
      channel.on("shell", (acceptShell) => {
        if (session === undefined) return connection.end();
        return execute(acceptShell(), session, "", `${ip} ${port} 127.0.0.1 ${address().port}`);
      });
    });
  });
  const address = () => server.address() as AddressInfo;

  function execute(
    stream: ssh2.ServerChannel,
    { user, key }: { user: UserBlock; key: string },
    words: string,
    peer: string,
  ): void {
    const authInfo = mkdtempSync(join(tmpdir(), "signstar-auth-"));
    writeFileSync(join(authInfo, "info"), `publickey ${key}\n`);
    const child = spawn("/bin/sh", ["-c", user.forceCommand], {
      stdio: "pipe",
      env: {
        PATH: "/usr/bin:/bin",
        SSH_CONNECTION: peer,
        SSH_USER_AUTH: join(authInfo, "info"),
        ...(words === "" ? {} : { SSH_ORIGINAL_COMMAND: words }),
      },
    });
    child.stdin.on("error", () => child.stdin.destroy());
    stream.on("error", () => child.kill());
    stream.pipe(child.stdin);
    child.stdout.pipe(stream, { end: false });
    child.stderr.pipe(stream.stderr, { end: false });
    child.once("close", (code) => {
      rmSync(authInfo, { recursive: true, force: true });
      stream.exit(code ?? 70);
      stream.end();
    });
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: address().port, close: () => server.close() };
}
