/** What `nethsm` says when something is wrong, and how it finds out: bad words, backups, doctor. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Cli } from "./cli.ts";

// Deriving a backup's key takes half a second on an idle machine.
vi.setConfig({ testTimeout: 120_000 });

let cli: Cli;
beforeAll(async () => {
  cli = await Cli.make();
});
afterAll(() => cli[Symbol.asyncDispose]());

describe("what is wrong is said in one line", () => {
  test.each<[string, string[], number, RegExp]>([
    ["an unknown key", ["key", "get", "none"], 66, /GET \/keys\/none .*refused with status 404/],
    ["an id that cannot be", ["key", "get", "a/b"], 64, /key id "a\/b" has a character/],
    [
      "a wrong role",
      ["--user", "operator", "lock"],
      64,
      /takes a user with the role Administrator, but operator is Operator/,
    ],
    ["nobody to ask", ["--user", "stranger", "lock"], 64, /no passphrase for user stranger/],
    ["a missing word", ["key", "get"], 64, /missing required argument 'KEY_ID'/],
    ["an unknown command", ["keys"], 64, /unknown command 'keys'/],
    ["an unknown type", ["key", "generate", "EcP2"], 64, /KEY_TYPE cannot be 'EcP2'/],
    ["a number that is none", ["random", "many"], 64, /LENGTH is 'many'/],
    ["too much", ["random", "2000"], 64, /is 2000, a NetHSM takes 1 to 1024/],
    ["a time without zone", ["config", "set", "time", "2026-01-01T00:00:00"], 64, /not a time in UTC/],
    ["an unknown device", ["--label", "other", "health", "state"], 78, /no device is labelled "other"/],
    ["a missing passphrase", ["user", "passphrase", "operator"], 64, /there is no terminal to ask for it/],
    ["a passphrase that is too short", ["user", "passphrase", "operator", "-p", "/dev/null"], 64, /has 0 bytes/],
    ["an output that is there", ["random", "8", "-o", "/etc/passwd"], 73, /\/etc\/passwd exists already/],
    ["an output without directory", ["random", "8", "-o", "/nonexistent/file"], 73, /its directory does not exist/],
    ["a missing input", ["key", "cert", "import", "none", "/nonexistent"], 66, /\/nonexistent cannot be read/],
    [
      "a pin that is none",
      ["env", "add", "device", "-l", "x", "https://x", "sha256:12"],
      64,
      /is not a SHA-256 digest/,
    ],
  ])("%s", async (_, words, exit, message) => {
    expect(await cli.run(...words)).toMatchObject({ exit, error: expect.stringMatching(message) });
  });

  test("a wrong pin, and both pins are shown", async () => {
    const wrong = `sha256:${"12".repeat(32)}`;
    await cli.good("env", "add", "device", "--label", "wrong", cli.device.url, wrong);
    const { exit, error = "", hint = "" } = await cli.run("--label", "wrong", "health", "state");
    expect(exit).toBe(69);
    expect(error + hint).toContain(cli.device.tlsFingerprint);
    expect(await cli.run("health", "state")).toMatchObject({ exit: 64, hint: expect.stringContaining("test, wrong") });
    await cli.good("env", "delete", "device", "--label", "wrong");
  });

  test("an empty variable is as good as none", async () => {
    for (const name of ["LABEL", "USER", "KEY_ID", "KEY_TAGS", "KEY_BIT_LENGTH", "RANDOM_OUTPUT_FILE"]) {
      vi.stubEnv(`NETHSM_${name}`, "");
    }
    try {
      expect((await cli.run("random", "3")).bytes).toHaveLength(3);
      await cli.good("key", "remove", (await cli.good("key", "generate")).trim());
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("several who add to the settings at once", async () => {
    const names = ["one", "two", "three", "four"];
    const ended = await Promise.all(names.map((name) => cli.run("env", "add", "credentials", name)));
    expect(ended.map(({ exit }) => exit)).toEqual([0, 0, 0, 0]);
    for (const name of names) await cli.good("env", "delete", "credentials", name);
  });

  test.each(["2.2", "5.0"] as const)("whoever switches off a device of release %s that is Locked", async (release) => {
    await using own = await Cli.make({ release });
    await own.good("lock");
    await own.good("env", "delete", "credentials", "admin");
    // Nobody needs a user for it, so there is no question for one.
    const expected = release === "2.2" ? { exit: 69, error: expect.stringContaining("412") } : { exit: 0 };
    expect(await own.run("system", "shutdown")).toMatchObject(expected);
  });

  test("no device, and a device that is locked", async () => {
    await using own = await Cli.make();
    writeFileSync(own.file("unlock"), own.device.unlockPassphrase);
    await own.good("lock");
    expect(await own.run("key", "list")).toMatchObject({ exit: 69, hint: expect.stringContaining("unlocked") });
    expect(await own.run("health", "ready")).toMatchObject({ exit: 1, out: "" });
    expect(await own.run("system", "restore", own.file("unlock"))).toMatchObject({ exit: 69, hint: /nethsm unlock/ });
    await own.good("unlock", "-U", own.file("unlock"));
    await own.device.close();
    expect(await own.run("health", "state")).toMatchObject({ exit: 69 });
  });
});

describe("backups", () => {
  test("are private and checked before they are used", async () => {
    const { file, items } = (await cli.json("system", "backup", "-o", cli.file("b.bkp"))) as {
      file: string;
      items: number;
    };
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(items).toBeGreaterThan(10);
    writeFileSync(cli.file("wrong"), "not the passphrase");
    expect(await cli.run("system", "restore", "-b", cli.file("wrong"), file)).toMatchObject({ exit: 77 });
    writeFileSync(cli.file("bp"), cli.device.backupPassphrase);
    writeFileSync(cli.file("cut.bkp"), readFileSync(file).subarray(0, -30));
    expect(await cli.run("system", "restore", "-b", cli.file("bp"), cli.file("cut.bkp"))).toMatchObject({ exit: 65 });
    expect(await cli.run("system", "validate-backup", cli.file("cut.bkp"))).toMatchObject({ exit: 1 });
    const sealed = await cli.run("backup", "dump", "-b", cli.file("bp"), file, "/key/.version");
    expect(sealed).toMatchObject({ exit: 64, error: expect.stringContaining("unlock passphrase") });
    expect(await cli.run("backup", "dump", "-b", cli.file("bp"), file, "/none")).toMatchObject({ exit: 66 });
    expect(await cli.good("backup", "dump", "-b", cli.file("bp"), file, "/config/version")).toBe("1");
  });
});

describe("doctor", () => {
  interface Report {
    readonly healthy: boolean;
    readonly findings: readonly { readonly check: string; readonly level: string; readonly finding: string }[];
  }
  const examined = async (...words: string[]): Promise<[number, Report]> => {
    const { exit, out } = await cli.run("--json", "doctor", ...words);
    return [exit, JSON.parse(out) as Report];
  };
  const wrong = ({ findings }: Report) => findings.filter(({ level }) => level !== "ok").map(({ check }) => check);

  test("finds what is wrong, and nothing when all is well", async () => {
    const [poor, first] = await examined();
    expect([poor, wrong(first)]).toEqual([1, ["user-keys"]]);
    await cli.good("key", "generate", "--key-id", "open");
    const [worse, second] = await examined();
    expect([worse, wrong(second)]).toEqual([1, ["key-tags"]]);
    expect((await examined("--ignore", "key-tags"))[0]).toBe(0);
    await cli.good("key", "tag", "open", "some");
    await cli.good("user", "tag", "operator", "some");
    const [well, third] = await examined();
    expect([well, wrong(third), third.healthy]).toEqual([0, [], true]);
    await cli.good("config", "set", "time", "2020-01-01T00:00:00Z");
    expect(wrong((await examined())[1])).toEqual(["clock"]);
    await cli.good("config", "set", "time");
    expect(await cli.good("doctor")).toMatch(/^DEVICE +CHECK +LEVEL +FINDING\n/);
  });

  test("finds a device that is not there, and looks at the others", async () => {
    await cli.good("env", "add", "device", "--label", "gone", "https://127.0.0.1:1/api/v1", "Native");
    const [exit, report] = await examined();
    expect([exit, wrong(report)]).toEqual([1, ["reachable"]]);
    expect(report.findings.length).toBeGreaterThan(5);
    await cli.good("env", "delete", "device", "--label", "gone");
  });
});
