/** What `nethsm` does beyond the walk-through, and what it says when something is wrong. */
import { createHash, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCertificate } from "@signstar/openpgp/certificate";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { repository } from "../../scripts/bundle.ts";
import { Cli } from "./cli.ts";

// Deriving a backup's key takes half a second on an idle machine.
vi.setConfig({ testTimeout: 120_000 });

let cli: Cli;
beforeAll(async () => {
  cli = await Cli.make();
});
afterAll(() => cli[Symbol.asyncDispose]());
afterEach(() => vi.unstubAllEnvs());

describe("data as JSON", () => {
  test.each<[string[], unknown]>([
    [["info"], { vendor: "Nitrokey GmbH", product: "NetHSM" }],
    [["health", "state"], { state: "Operational" }],
    [["health", "ready"], { ready: true }],
    [
      ["user", "list"],
      ["admin", "backup", "metrics", "operator"],
    ],
    [["user", "get", "operator"], { user: "operator", realName: "operator", role: "Operator", tags: [] }],
    [["user", "get", "backup"], { user: "backup", realName: "backup", role: "Backup" }],
    [["config", "get", "boot-mode"], "Attended"],
    [["config", "get", "network"], { ipAddress: "192.168.1.1", netmask: "255.255.255.0", gateway: "0.0.0.0" }],
    [["config", "get", "logging"], { ipAddress: "0.0.0.0", port: 514, logLevel: "info" }],
    [["namespace", "list"], []],
    [["random", "3"], { random: expect.stringMatching(/^[A-Za-z0-9+/]{4}$/) }],
    [["metrics"], expect.objectContaining({ uptime: expect.any(String) })],
    [["system", "info"], expect.objectContaining({ softwareVersion: "5.0", pcr: {} })],
    [["cluster", "list"], [{ id: "deadbeef", name: "mock", urls: [], learner: false }]],
    [["health", "diagnose"], expect.objectContaining({ clusterState: { running: false } })],
  ])("%j", async (words, expected) => {
    expect(await cli.json(...words)).toEqual(expected);
  });

  test("env list has everything but passphrases", async () => {
    const shown = await cli.json("env", "list");
    expect(shown).toMatchObject({
      devices: [{ label: "test", url: cli.device.url, tlsSecurity: cli.device.tlsFingerprint }],
    });
    expect(JSON.stringify(shown) + (await cli.good("env", "list"))).not.toContain("passphrase-");
  });
});

describe("for people", () => {
  afterEach(() => {
    cli.terminal = false;
  });

  test("colour is for terminals, and not with NO_COLOR", async () => {
    vi.stubEnv("NO_COLOR", "");
    vi.stubEnv("TERM", "xterm");
    expect(await cli.good("health", "state")).toBe("Operational\n");
    cli.terminal = true;
    expect(await cli.good("health", "state")).toBe("\x1b[32mOperational\x1b[0m\n");
    vi.stubEnv("NO_COLOR", "1");
    expect(await cli.good("health", "state")).toBe("Operational\n");
  });

  test("binary answers do not go to the terminal, and nothing is asked for them", async () => {
    cli.terminal = true;
    expect(await cli.run("random", "8")).toMatchObject({ exit: 64, hint: expect.stringContaining("--output") });
    await cli.good("random", "8", "--output", cli.file("random"));
    expect(statSync(cli.file("random")).size).toBe(8);
  });

  test("what a device says cannot command the terminal", async () => {
    writeFileSync(cli.file("p"), "passphrase-of-it\n");
    await cli.good("user", "add", "\x1b[2Jevil", "Metrics", "evil", "-p", cli.file("p"));
    expect(await cli.good("user", "get", "evil")).toContain("\\x1b[2Jevil");
    await cli.good("user", "remove", "evil");
  });
});

describe("keys", () => {
  test("have labels, prefixes and can be moved", async () => {
    await cli.good("key", "generate", "--key-id", "a.one", "--key-label", "first", "EcP256");
    await cli.good("key", "generate", "--key-id", "a.two", "EC_P256", "ECDSA_Signature");
    await cli.good("key", "generate", "--key-id", "b");
    expect(await cli.json("key", "list", "--prefix", "a.")).toEqual(["a.one", "a.two"]);
    expect(await cli.json("key", "list", "--key-label", "first")).toEqual(["a.one"]);
    await cli.good("key", "label", "b", "größe");
    expect(await cli.json("key", "get", "b")).toMatchObject({ id: "b", type: "Curve25519", label: "größe", tags: [] });
    await cli.good("key", "unlabel", "b");
    expect(await cli.json("key", "get", "b")).not.toHaveProperty("label");
    expect(await cli.good("key", "move", "b", "c")).toBe("c\n");
    expect(await cli.good("key", "list")).toBe("a.one\na.two\nc\n");
    for (const id of ["a.one", "a.two", "c"]) await cli.good("key", "remove", id);
  });

  test("requests for certificates name alternative names and a chosen subject", async () => {
    await cli.good("key", "generate", "--key-id", "web", "EcP256");
    const words = ["--organization", "Example", "--country", "DE", "--san", "a.example", "--san", "IP:192.0.2.1"];
    const pem = await cli.good("key", "csr", "web", "example.com", ...words);
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64").toString("latin1");
    for (const part of ["example.com", "Example", "DE", "a.example", "\xc0\x00\x02\x01"]) expect(der).toContain(part);
    const bare = await cli.good("key", "csr", "--without-san", "web", "only.example");
    expect(
      Buffer.from(bare.replace(/-----[^-]+-----|\s/g, ""), "base64")
        .toString("latin1")
        .split("only.example"),
    ).toHaveLength(2);
    expect(await cli.run("key", "csr", "web", "example.com", "Org", "--organization", "Org")).toMatchObject({
      exit: 64,
    });
    await cli.good("key", "remove", "web");
  });

  test.each<[string, () => ReturnType<typeof generateKeyPairSync>]>([
    ["Rsa", () => generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["Curve25519", () => generateKeyPairSync("ed25519")],
    ["EcP256", () => generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["EcP384", () => generateKeyPairSync("ec", { namedCurve: "P-384" })],
    ["EcP521", () => generateKeyPairSync("ec", { namedCurve: "P-521" })],
    ["EcP256K1", () => generateKeyPairSync("ec", { namedCurve: "secp256k1" })],
    ["BrainpoolP384", () => generateKeyPairSync("ec", { namedCurve: "brainpoolP384r1" })],
  ])("of type %s are imported as DER and PEM, and stay themselves", async (type, generate) => {
    const { privateKey, publicKey } = generate();
    writeFileSync(cli.file("key.der"), privateKey.export({ format: "der", type: "pkcs8" }));
    writeFileSync(cli.file("key.pem"), privateKey.export({ format: "pem", type: "pkcs8" }));
    const mechanism = type === "Rsa" ? ["RsaSignaturePkcs1"] : [];
    for (const format of ["der", "pem"]) {
      const id = (
        await cli.good("key", "import", "--format", format, type, cli.file(`key.${format}`), ...mechanism)
      ).trim();
      expect(createPublicKey(await cli.good("key", "public-key", id)).equals(publicKey)).toBe(true);
      await cli.good("key", "remove", id);
    }
    const other = type === "EcP256" ? "EcP384" : "EcP256";
    expect(await cli.run("key", "import", other, cli.file("key.der"))).toMatchObject({ exit: 65 });
  });

  test("no key is no key", async () => {
    writeFileSync(cli.file("none"), "-----BEGIN NONSENSE-----");
    expect(await cli.run("key", "import", "EcP256", cli.file("none"))).toMatchObject({ exit: 65, hint: /openssl/ });
    expect(await cli.run("key", "import", "EcP256", cli.file("missing"))).toMatchObject({ exit: 66 });
  });
});

describe("Pkcs1", () => {
  test.each(["2.2", "3.0", "5.0"] as const)("signatures of release %s verify", async (release) => {
    await using own = await Cli.make({ release });
    await own.good("key", "generate", "--key-id", "rsa", "--length", "2048", "Rsa", "RsaSignaturePkcs1");
    writeFileSync(own.file("message"), "message");
    const { bytes } = await own.run("key", "sign", "rsa", "Pkcs1", own.file("message"));
    const key = createPublicKey(await own.good("key", "public-key", "rsa"));
    expect(verify("sha256", Buffer.from("message"), key, bytes)).toBe(true);
    const both = ["--user", "admin", "--user", "operator"];
    await own.good(...both, "openpgp", "add", "rsa", "Rsa <rsa@example.org>");
    const signed = await own.run("openpgp", "sign", "rsa", own.file("message"));
    expect(signed.bytes[0]).toBe(0xc2);
  });

  test("raw is what the caller makes of it", async () => {
    await cli.good(
      "key",
      "generate",
      "--key-id",
      "rsa",
      "--length",
      "2048",
      "Rsa",
      "RsaSignaturePkcs1",
      "RSA_Signature_PSS_SHA256",
    );
    const digest = createHash("sha256").update("message").digest();
    writeFileSync(cli.file("message"), "message");
    writeFileSync(cli.file("digest"), digest);
    const bare = await cli.run("key", "sign", "--bare-digest", "rsa", "Pkcs1", cli.file("message"));
    const raw = await cli.run("key", "sign", "--raw", "rsa", "Pkcs1", cli.file("digest"));
    expect(raw.bytes).toEqual(bare.bytes);
    expect(raw.bytes).toHaveLength(256);
    await cli.good("key", "remove", "rsa");
  });
});

describe("OpenPGP", () => {
  const fixtures = join(repository, "../shared/data/keys");
  test.skipIf(!existsSync(fixtures))("edge cases of secret keys are imported (needs ../shared/data)", async () => {
    for (const file of ["ed25519-key-with-31-byte-private-key-scalar.asc", "rsa-key-with-modulus-e-257.asc"]) {
      await cli.good("openpgp", "import", "--key-id", "imported", join(fixtures, file));
      const { certificate } = (await cli.json("key", "cert", "get", "imported")) as { certificate: string };
      const { key } = readCertificate(Buffer.from(certificate, "base64"));
      const { publicKey } = (await cli.json("key", "get", "imported")) as { publicKey: Record<string, string> };
      const point = key.material.algorithm === "RSA" ? key.material.modulus : key.material.point;
      expect(Buffer.from(publicKey["data"] ?? publicKey["modulus"] ?? "", "base64")).toEqual(Buffer.from(point));
      await cli.good("key", "remove", "imported");
    }
  });

  test("what is no secret key leaves no key behind", async () => {
    writeFileSync(
      cli.file("none.asc"),
      "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n",
    );
    expect(await cli.run("openpgp", "import", cli.file("none.asc"))).toMatchObject({ exit: 65 });
    expect(await cli.good("key", "list")).toBe("");
  });

  test("--cannot-sign makes a certificate that does not sign", async () => {
    await cli.good("key", "generate", "--key-id", "certifier");
    const words = ["--user", "admin", "--user", "operator", "openpgp", "add"];
    await cli.good(
      ...words,
      "--cannot-sign",
      "--version",
      "4",
      "-t",
      "2026-01-02T03:04:05Z",
      "certifier",
      "C <c@example.org>",
    );
    writeFileSync(cli.file("message"), "message");
    const refused = await cli.run("openpgp", "sign", "certifier", cli.file("message"));
    expect(refused).toMatchObject({ exit: 78, error: expect.stringContaining("does not allow its key to sign") });
    expect(await cli.run(...words, "--can-sign", "--cannot-sign", "certifier", "C")).toMatchObject({ exit: 64 });
    expect(await cli.run(...words, "--version", "6", "certifier", "C")).toMatchObject({ exit: 64 });
    await cli.good("key", "remove", "certifier");
  });
});

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
