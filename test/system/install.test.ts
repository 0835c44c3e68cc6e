// needs: openssl systemd-analyze systemd-sysusers
/** What a package has of us, installed below a directory and judged by the machine's systemd. */
import { spawnSync } from "node:child_process";
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { repository } from "../../scripts/bundle.ts";
import { executables } from "../../scripts/executables.ts";
import { installInto, installList } from "../../scripts/install.ts";

const units = globSync("systemd/system/*.{service,socket,timer,path}", { cwd: repository }).map((path) =>
  basename(path),
);
const services = units.filter((unit) => unit.endsWith(".service"));

/** Tenths of systemd's measure of exposure. What runs as root for the sake of other users cannot do with less. */
const exposures: Readonly<Record<string, number>> = { "signstar-configure.service": 26 };
const exposure = 20;

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "signstar-install-"));
  await installInto(root);
  // What units of ours name, and a whole system has.
  writeFileSync(join(root, "usr/bin/node"), "#!/bin/sh\n", { mode: 0o755 });
  for (const target of ["basic", "paths", "shutdown", "sysinit"])
    writeFileSync(join(root, `usr/lib/systemd/system/${target}.target`), "[Unit]\n");
  writeFileSync(join(root, "usr/lib/systemd/system/signstar-configure.path"), generated("signstar-configure.path"));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What signstar-configure-build writes for the example, below systemd's directory of units. */
function generated(name: string): string {
  const tree = readFileSync(join(repository, "packages/configure-build/src/testing/example.tree"), "utf8");
  const [, content = ""] = tree.split(`==> /usr/lib/systemd/system/${name} 644\n`);
  return content.slice(0, content.indexOf("\n==> ") + 1);
}

function systemdAnalyze(...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

function verify(unit: string): { status: number | null; output: string } {
  return systemdAnalyze("verify", "--man=no", `--root=${root}`, join(root, "usr/lib/systemd/system", unit));
}

describe("installed", () => {
  test("every program, every file of sshd_config.d and systemd, with its mode", () => {
    const list = installList();
    for (const { name } of executables)
      expect(list).toContainEqual({ from: `dist/${name}`, to: `/usr/bin/${name}`, mode: 0o755 });
    const sources = globSync(["sshd_config.d/**", "systemd/**"], { cwd: repository, withFileTypes: true });
    const missed = sources
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !list.some(({ from }) => join(repository, from) === path));
    expect(missed).toEqual([]);
    for (const { to, mode } of list) expect(statSync(join(root, to)).mode & 0o7777, to).toBe(mode);
  });

  test("nothing has the name of a file that signstar-configure-build writes", () => {
    const generatedNames = /signstar-configure\.(?:path|service\.d)|sysusers\.d\/signstar\.conf|tmpfiles\.d\/signstar/;
    expect(installList().filter(({ to }) => generatedNames.test(to))).toEqual([]);
  });

  test("the programs run from there", () => {
    for (const { name } of executables) {
      const { status, stdout } = spawnSync(process.execPath, [join(root, "usr/bin", name), "--version"], {
        encoding: "utf8",
      });
      expect({ status, stdout }, name).toEqual({ status: 0, stdout: expect.stringMatching(/\d+\.\d+\.\d+/) });
    }
  });

  test("a manual page for each program, completions for those that people type", () => {
    for (const { name, runner } of executables) {
      const section = runner === "forced" ? 8 : 1;
      expect(readFileSync(join(root, `usr/share/man/man${section}/${name}.${section}`), "utf8")).toContain(".Dd ");
      const typed = statSync(join(root, "usr/share/bash-completion/completions", name), { throwIfNoEntry: false });
      expect(typed !== undefined, name).toBe(runner === "run");
    }
  });

  test("the links of the documentation lead to what is installed", () => {
    for (const { to } of installList().filter(({ to }) => to.endsWith(".md"))) {
      const text = readFileSync(join(root, to), "utf8");
      for (const [, link = ""] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        // Instructions for contributors stay with the sources.
        if (basename(link) === "CONTRIBUTING.md") continue;
        expect(statSync(join(root, to, "..", link), { throwIfNoEntry: false }), `${to}: ${link}`).toBeDefined();
      }
    }
  });
});

describe("systemd", () => {
  test.each([...units, "signstar-configure.path"])("has nothing to say against %s", (unit) => {
    expect(verify(unit)).toEqual({ status: 0, output: "" });
  });

  test("would have something to say", () => {
    const unit = join(root, "usr/lib/systemd/system/signstar-bad.service");
    copyFileSync(join(root, "usr/lib/systemd/system/signstar-syslog.service"), unit);
    appendFileSync(unit, "[Service]\nProtectEverything=yes\nExecStartPre=/usr/bin/missing\n");
    const { status, output } = verify("signstar-bad.service");
    expect(status).not.toBe(0);
    expect(output).toMatch(/Unknown key (?:name )?'ProtectEverything'.*\n.*\/usr\/bin\/missing is not executable/);
    rmSync(unit);
  });

  test.each(services)("counts %s as hardened", (unit) => {
    // A template has no security of its own, an instance of it has.
    const instance = unit.replace("@.", "@example.");
    const path = join(root, "usr/lib/systemd/system", instance);
    if (instance !== unit) copyFileSync(join(root, "usr/lib/systemd/system", unit), path);
    const threshold = `--threshold=${exposures[unit] ?? exposure}`;
    const { status, output } = systemdAnalyze("security", "--offline=yes", "--no-pager", threshold, path);
    expect(status, output).toBe(0);
    const text = readFileSync(path, "utf8");
    // Each mark that is left has its reason in the unit.
    for (const [, setting = ""] of output.matchAll(/^✗ (\w+)=/gm)) expect(text, setting).toContain(`# ${setting}=`);
  });

  test("would not count a unit without settings as hardened", () => {
    const path = join(root, "usr/lib/systemd/system/signstar-open.service");
    writeFileSync(path, "[Service]\nExecStart=/usr/bin/node\n");
    expect(systemdAnalyze("security", "--offline=yes", "--no-pager", "--threshold=26", path).status).not.toBe(0);
    rmSync(path);
  });

  test("takes the drop-in for encrypted credentials, and counts the service as hardened with it", () => {
    const directory = join(root, "usr/lib/systemd/system/signstar-configure.service.d");
    mkdirSync(directory);
    writeFileSync(join(root, "usr/bin/systemd-creds"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(
      join(directory, "50-signstar-credentials.conf"),
      generated("signstar-configure.service.d/50-signstar-credentials.conf"),
    );
    expect(verify("signstar-configure.service")).toEqual({ status: 0, output: "" });
    const words = ["security", "--offline=yes", "--no-pager", `--root=${root}`, "--threshold=26"];
    const { status, output } = systemdAnalyze(...words, "signstar-configure.service");
    expect(status, output).toBe(0);
    expect(output).toMatch(/^✗ DeviceAllow=.*\/dev\/tpmrm0:rw/m);
    rmSync(directory, { recursive: true });
  });

  test("starts signstar-configure for every event that it sees, and from time to time", () => {
    const read = (unit: string) => readFileSync(join(root, "usr/lib/systemd/system", unit), "utf8");
    const path = read("signstar-configure.path");
    expect(path.match(/^\w+(?==\/)/gm)).toEqual(["PathChanged", "PathChanged"]);
    expect(path).toContain("\nUnit=signstar-configure.service\n");
    expect(read("signstar-configure.service")).toMatch(
      /^StartLimitIntervalSec=0\n(?:.*\n)*Type=oneshot\n(?:#.*\n)*ExecStart=\/usr\/bin\/signstar-configure run --json\n/m,
    );
    expect(read("signstar-configure.timer")).toContain("\nOnUnitInactiveSec=5min\n");
  });

  test.each([
    ["system", ["DefaultLimitCORE=0"]],
    ["coredump", ["Storage=none", "ProcessSizeMax=0"]],
    ["journald", ["Storage=persistent", "RateLimitIntervalSec=0"]],
  ])("finds the drop-in of %s.conf", (name, settings) => {
    const { status, output } = systemdAnalyze(`--root=${root}`, "cat-config", `systemd/${name}.conf`);
    expect(status, output).toBe(0);
    expect(output.split("\n")).toEqual(expect.arrayContaining(settings));
  });

  test.each(["system.slice", "user.slice"])("takes swap from %s", (slice) => {
    writeFileSync(join(root, "usr/lib/systemd/system", slice), "[Unit]\nDescription=of systemd\n");
    expect(verify(slice)).toEqual({ status: 0, output: "" });
    const dropIn = join(root, `usr/lib/systemd/system/${slice}.d/50-signstar.conf`);
    expect(readFileSync(dropIn, "utf8")).toMatch(/^\[Slice\]\nMemorySwapMax=0$/m);
    appendFileSync(dropIn, "MemorySwapLimit=0\n");
    expect(verify(slice).output).toContain("Unknown key");
  });
});

test("systemd-sysusers makes the user that units of ours run as", () => {
  const words = [`--root=${root}`, join(root, "usr/lib/sysusers.d/signstar-journal-metrics.conf")];
  const { status, stderr } = spawnSync("systemd-sysusers", words, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const passwd = readFileSync(join(root, "etc/passwd"), "utf8");
  const users = services.flatMap((unit) => {
    const text = readFileSync(join(root, "usr/lib/systemd/system", unit), "utf8");
    return [...text.matchAll(/^User=([a-z-]+)$/gm)].map(([, user = ""]) => user);
  });
  expect(users).toContain("signstar-journal");
  for (const user of users) expect(passwd).toMatch(new RegExp(`^${user}:x:[1-9][0-9]{0,2}:.*:/usr/sbin/nologin$`, "m"));
});

describe("make-wireguard-key", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(root, "wireguard-"));
  });
  const make = () =>
    spawnSync(join(root, "usr/lib/signstar/make-wireguard-key"), [directory], { encoding: "utf8", stdio: "pipe" });
  const read = (name: string) => readFileSync(join(directory, name), "utf8");
  const modeOf = (name: string) => statSync(join(directory, name)).mode & 0o777;

  /** RFC 8410: the fixed head of a PKCS #8 or SubjectPublicKeyInfo encoding of X25519. */
  const der = (head: string, text: string) => Buffer.concat([Buffer.from(head, "hex"), Buffer.from(text, "base64")]);

  test("makes a pair that belongs together, each on a line of base64", () => {
    expect(make()).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(globSync("{.*,*}", { cwd: directory }).sort()).toEqual(["private.key", "public.key"]);
    expect([modeOf("private.key"), modeOf("public.key")]).toEqual([0o600, 0o644]);
    for (const name of ["private.key", "public.key"]) expect(read(name)).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);

    const other = generateKeyPairSync("x25519");
    const ours = {
      key: der("302e020100300506032b656e04220420", read("private.key")),
      format: "der",
      type: "pkcs8",
    } as const;
    const publicKey = createPublicKey({
      key: der("302a300506032b656e032100", read("public.key")),
      format: "der",
      type: "spki",
    });
    expect(createPublicKey(createPrivateKey(ours)).equals(publicKey)).toBe(true);
    // As `wg genkey` clamps it. RFC 7748 §5.
    const secret = Buffer.from(read("private.key"), "base64");
    expect([(secret[0] ?? 1) & 7, (secret[31] ?? 0) & 0xc0]).toEqual([0, 0x40]);
    expect(diffieHellman({ privateKey: other.privateKey, publicKey })).toHaveLength(32);
  });

  test("never replaces a key", () => {
    make();
    const before = [read("private.key"), read("public.key")];
    expect(make()).toMatchObject({ status: 0 });
    expect([read("private.key"), read("public.key")]).toEqual(before);
  });

  test("finishes what was interrupted, with the same private key", () => {
    make();
    const [secret, shown] = [read("private.key"), read("public.key")];
    rmSync(join(directory, "public.key"));
    writeFileSync(join(directory, ".public.key.new"), "half");
    expect(make()).toMatchObject({ status: 0 });
    expect([read("private.key"), read("public.key")]).toEqual([secret, shown]);
  });

  test("does not make up for a private key that is gone", () => {
    make();
    rmSync(join(directory, "private.key"));
    expect(make()).toMatchObject({ status: 1, stderr: expect.stringContaining("its private.key is gone") });
    expect(globSync("*", { cwd: directory })).toEqual(["public.key"]);
  });

  test("leaves no key where openssl fails", () => {
    const { status, stderr } = spawnSync(join(root, "usr/lib/signstar/make-wireguard-key"), [directory], {
      encoding: "utf8",
      env: { PATH: pathWithFailingOpenssl() },
    });
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining("no key came") });
    expect(globSync("{.*,*}", { cwd: directory })).toEqual([]);
  });

  function pathWithFailingOpenssl(): string {
    const bin = mkdtempSync(join(root, "bin-"));
    writeFileSync(join(bin, "openssl"), "#!/bin/sh\nprintf short\nexit 1\n", { mode: 0o755 });
    return `${bin}:/usr/bin:/bin`;
  }
});
