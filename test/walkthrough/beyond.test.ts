/** What `nethsm` does beyond the walk-through. */
import { execFileSync } from "node:child_process";
import { createHash, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
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

  test("what is no file is written to with --force, and stays what it is", async () => {
    expect(await cli.run("random", "8", "--output", "/dev/null")).toMatchObject({ exit: 73 });
    await cli.good("random", "8", "--force", "--output", "/dev/null");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(await cli.run("random", "8", "--force", "--output", "/dev/full")).toMatchObject({ exit: 73 });
    execFileSync("mkfifo", [cli.file("pipe")]);
    const read = readFile(cli.file("pipe"));
    await cli.good("random", "8", "--force", "--output", cli.file("pipe"));
    expect(await read).toHaveLength(8);
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

  test("encrypt with a vector that the device chose, and it is not lost", async () => {
    await cli.good(
      ...["key", "generate", "--key-id", "aes", "--length", "128", "Generic", "AesEncryptionCbc", "AesDecryptionCbc"],
    );
    writeFileSync(cli.file("m"), "sixteen bytes!!!");
    const { notes } = await cli.run("key", "encrypt", "aes", cli.file("m"), "-o", cli.file("m.enc"));
    writeFileSync(cli.file("iv"), Buffer.from(/[0-9a-f]{32}$/.exec(notes[0] ?? "")?.[0] ?? "", "hex"));
    const decrypt = ["key", "decrypt", "aes", cli.file("m.enc"), "AesCbc", "-i", cli.file("iv")];
    expect(await cli.good(...decrypt)).toBe("sixteen bytes!!!");
    expect((await cli.run("key", "encrypt", "aes", cli.file("m"), "-i", cli.file("iv"))).notes).toEqual([]);
    await cli.good("key", "remove", "aes");
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
