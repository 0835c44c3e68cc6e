// needs: root gpg sqv ssh sshd systemd-tmpfiles unshare useradd
/** The quickstart where it may not have everything: as an ordinary user, without sshd, without any OpenSSH. */

import { beforeAll, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build.ts";
import { repository } from "../../scripts/bundle.ts";
import { spawnInOverlay } from "../../scripts/stage/overlay.ts";

function runInOverlay(script: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawnInOverlay({ writable: [], readable: [repository], command: ["sh", "-euc", script] });
    let output = "";
    child.stdout?.on("data", (bytes) => {
      output += bytes;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
    child.stdin?.end();
  });
}

const quickstart = `'${process.execPath}' '${repository}/scripts/quickstart.ts'`;

beforeAll(() => buildIfStale());

const cases = [
  {
    title: "an ordinary user serves through sshd as itself",
    server: "OpenSSH's sshd, as your own user",
    script: `useradd --create-home --shell /bin/sh evaluator
cd /home/evaluator
exec setpriv --reuid evaluator --regid evaluator --clear-groups env HOME=/home/evaluator ${quickstart} --out "out put" /etc/hostname`,
  },
  {
    title: "an ordinary user without OpenSSH has the embedded server and the built-in connection",
    server: "the embedded SSH server: there is no OpenSSH server",
    script: `rm /usr/sbin/sshd /usr/bin/ssh
useradd --create-home --shell /bin/sh evaluator
cd /home/evaluator
exec setpriv --reuid evaluator --regid evaluator --clear-groups env HOME=/home/evaluator ${quickstart} --out out /etc/hostname`,
  },
  {
    title: "root without sshd serves as nobody",
    server: "the embedded SSH server, as nobody",
    script: `rm /usr/sbin/sshd
cd /tmp
exec ${quickstart} --out /tmp/out /etc/hostname`,
  },
];

test.each(cases)(
  "$title",
  async ({ script, server }) => {
    const { code, output } = await runInOverlay(script);
    expect(output).toContain(server);
    expect(output).toContain("gpg says good: hostname.asc");
    expect(output).toContain("sqv says good: hostname.asc");
    expect(code).toBe(0);
  },
  120_000,
);
