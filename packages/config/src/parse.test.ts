import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, type Problem } from "./errors.ts";
import { parseConfig } from "./parse.ts";
import { admin, connection, sampleConfig, shareUsers, signingUser, sshKey } from "./testing/sample.ts";

function problemsOf(text: string): readonly Problem[] {
  try {
    parseConfig(text);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  throw new Error("the config was accepted");
}

function messagesOf(text: string): readonly string[] {
  return problemsOf(text).map(({ path, message }) => `${path}: ${message}`);
}

describe("what is read", () => {
  test("a small config gets the documented defaults", () => {
    const config = parseConfig(sampleConfig({ tail: signingUser() }));
    expect(config.adminSecretHandling).toEqual({ kind: "shamirs-secret-sharing", numberOfShares: 3, threshold: 2 });
    expect(config.nonAdminSecretHandling).toBe("systemd-creds");
    expect(config.log.audit).toBe("required");
    expect(config.appliance.shareTimeoutMs).toBe(24 * 3_600_000);
    expect(config.appliance.uploadLimitBackup).toBe(2 ** 30);
    expect(config.device).toBeUndefined();
    expect(config.warnings).toEqual([]);
  });

  test("a signing mapping speaks the NetHSM's language", () => {
    const more = 'certificate_fingerprint = "E2762B7A35CCA2EAF594B9ED7361DB84CC382DD9"';
    const operator = signingUser({ operator: "ns1~op", more });
    const config = parseConfig(sampleConfig({ tail: `[[users]]\nnethsm_only_admin = "ns1~admin"\n${operator}` }));
    expect(config.mappings.at(-1)).toMatchObject({
      kind: "signing",
      systemUser: "signer",
      operator: "ns1~op",
      tag: "tag",
      certificateFingerprint: "e2762b7a35cca2eaf594b9ed7361db84cc382dd9",
      key: {
        keyId: "key",
        namespace: "ns1",
        type: "Curve25519",
        mechanisms: ["EdDSA_Signature"],
        length: undefined,
        mode: "EdDSA",
        context: { kind: "openpgp", version: 4, userIds: ["A <a@example.org>"] },
      },
    });
  });

  test.each([
    [
      "a list of tables under nethsm",
      '[[connections]]\nnethsm = { url = "https://[::1]:1/api/v1/", tls_security = "Unsafe" }',
    ],
    ["an inline list", 'connections = [{ nethsm = { url = "https://[::1]:1/api/v1", tls_security = "Unsafe" } }]'],
    ["one table alone", 'connections = { nethsm = { url = "https://[::1]:1/api/v1", tls_security = "Unsafe" } }'],
    ["bare", '[[connections]]\nurl = "https://[::1]:1/api/v1"\ntls_security = "Unsafe"'],
  ])("connections in the shape of 2025 or 2024: %s", (_, connections) => {
    expect(parseConfig(sampleConfig({ connections })).connections).toEqual([
      { url: "https://[::1]:1/api/v1", tls: { mode: "unsafe" }, bootstrapTls: "pinned" },
    ]);
  });

  test("pins are bytes: their case does not matter", () => {
    const pin = "AB".repeat(32);
    const connections = `connections = [{ url = "https://hsm/api/v1", tls_security = { Fingerprints = { sha256 = ["${pin}"] } } }]`;
    expect(parseConfig(sampleConfig({ connections })).connections[0]?.tls).toEqual({
      mode: "pinned",
      sha256: [pin.toLowerCase()],
    });
  });

  test("an entry that repeats another exactly is left out with a warning, as in a set", () => {
    const config = parseConfig(sampleConfig({ connections: connection + connection, tail: admin }));
    expect(config.connections).toHaveLength(1);
    expect(config.mappings.filter(({ kind }) => kind === "admin")).toHaveLength(1);
    expect(config.warnings).toEqual([
      "connections[1]: repeats an earlier entry and is left out",
      "users[3]: repeats an earlier entry and is left out",
    ]);
  });

  test("a list of the words of an entry does not repeat it", () => {
    const odd = '[["tls_security", "Unsafe"], ["url", "https://[::1]:1/api/v1"]]';
    const connections = `connections = [{ url = "https://[::1]:1/api/v1", tls_security = "Unsafe" }, ${odd}]`;
    expect(messagesOf(sampleConfig({ connections }))).toEqual(["connections[1]: must be a table, not a list"]);
  });

  test("a byte order mark and CRLF change nothing, nor the lines of problems", () => {
    const text = sampleConfig({ tail: signingUser() });
    const marked = (of: string) => `\ufeff${of.replaceAll("\n", "\r\n")}`;
    expect(parseConfig(marked(text))).toEqual(parseConfig(text));
    const broken = `iterations = 1\n${text}`;
    expect(problemsOf(marked(broken))).toEqual(problemsOf(broken));
  });
});

describe("what is refused", () => {
  test("all problems at once, in the order of lines", () => {
    const text = sampleConfig({ head: "iteration = -1\nuserz = 1\nadmin_secret_handling = 'plain'" });
    const problems = problemsOf(text);
    expect(problems.map(({ line, path }) => [line, path])).toEqual([
      [1, "iteration"],
      [2, "userz"],
      [3, "admin_secret_handling"],
    ]);
    expect(problems[1]?.message).toBe('unknown key (did you mean "users"?)');
    expect(() => parseConfig(text)).toThrow(
      /^config has 3 problems: line 1: iteration: -1 is not in 0 to 4294967295; line 2: userz: .*$/,
    );
  });

  test.each([
    ["iteration = 1.0", "iteration: must be an integer, not a float"],
    ["iteration = 4294967296", "iteration: 4294967296 is not in 0 to 4294967295"],
    ["iteration = 2024-12-01", "iteration: must be an integer, not a date"],
    ["", ": iteration is missing"],
    ['iteration = 1\nnon_admin_secret_handling = "systemd-cred"', /did you mean "systemd-creds"/],
    ["iteration = 1\nappliance = 1", "appliance: must be a table, not an integer"],
  ])("top level: %s", (head, message) => {
    expect(messagesOf(sampleConfig({ head }))).toEqual([
      typeof message === "string" ? message : expect.stringMatching(message),
    ]);
  });

  test.each([
    ["[[users]]\nsystem_only_share_downlod = {}", /unknown key \(did you mean "system_only_share_download"\?\)/],
    ["[[users]]", /^users\[3\]: is empty, one of nethsm_only_admin, /],
    ['[[users]]\nnethsm_only_admin = "b"\nsystem_nethsm_backup = {}', /only one of them can stand here$/],
    ['[[users]]\nnethsm_only_admin = "ns~"', /user name is empty/],
    ['[[users]]\nnethsm_only_admin = "~x"', /namespace is empty/],
    [signingUser({ user: "-rf" }), /"-rf" is not a system user name/],
    [signingUser({ user: "root" }), /"root" cannot serve clients/],
    [signingUser({ user: "ünicode" }), /is not a system user name/],
    [signingUser({ user: `a${"b".repeat(31)}` }), /is not a system user name/],
    [signingUser({ tag: "a b" }), /tag "a b" has a character that is not allowed/],
    [signingUser({ more: 'certificate_fingerprint = "abc"' }), /40 hexadecimal digits/],
    ["[removal]\nkeys = ['/']", /^removal.keys\[0\]: key id/],
    ["[log]\naudit = 'no'", /"no" is none of "required", "best-effort"/],
    ["[appliance]\nshare_timeout = '24'", /is not a number with one of s, m, h, d/],
    ["[appliance]\nshare_timeout = '1s'", /1s is not in 1m to 30d/],
    ["[appliance]\nupload_limit_backup = '1TB'", /as in "1GiB"/],
    ["[appliance]\nbatch_concurrency = 0", /0 is not in 1 to 256/],
    ["[appliance]\nwireguard_public_key = '../key'", /not an absolute path/],
    ["[appliance]\nwireguard_public_key = '/etc/../key'", /not an absolute path/],
    ["[device.network]\nip_address = '1.2.3.4'\nnetmask = '255.0.255.0'", /is not a netmask/],
    ["[device.network]\nip_address = '1.2.3.04'\nnetmask = '255.0.0.0'", /is not an IPv4 address/],
    ["[device.network]\nip_address = '1.2.3.256'\nnetmask = '255.0.0.0'", /is not an IPv4 address/],
    ["[device.logging]\nip_address = 'host'", /is not an IP address/],
    ["[device.logging]\nip_address = 'fe80::1%eth0'", /is not an IP address/],
    ["[device.logging]\nip_address = '1::2::3'", /is not an IP address/],
    ["[device.logging]\nip_address = '::1'\nport = 0", /0 is not in 1 to 65535/],
    ["[device.tls]\nkey_type = 'Rsa'", /key_length is missing/],
    ["[device.tls]\nkey_type = 'EcP256'\nkey_length = 2048", /has no key_length/],
    ["[device.tls]\nkey_type = 'EcP256'\nsubject = { common_name = 'a', country_name = 'Germany' }", /two letters/],
    [
      "[device]\nboot = 'attended'",
      /^device.boot: unknown key \(did you mean "boot_mode"\?\)|^device.boot: unknown key$/,
    ],
  ])("%s", (tail, message) => {
    expect(messagesOf(sampleConfig({ tail }))).toEqual([expect.stringMatching(message)]);
  });

  test("a system-wide user is wanted for backup and metrics", () => {
    const backup = `[[users]]\n[users.system_nethsm_backup]\nsystem_user = "b"\nssh_authorized_key = "${sshKey(9)}"\n`;
    const tail = `[[users]]\nnethsm_only_admin = "ns1~admin"\n${backup}nethsm_user = "ns1~backup"`;
    expect(messagesOf(sampleConfig({ tail }))).toEqual([
      "users[4].system_nethsm_backup.nethsm_user: user ns1~backup is in a namespace",
    ]);
  });

  test("both spellings of SSH keys, an empty list, and none", () => {
    const user = (keys: string) => `[[users]]\n[users.system_only_wireguard_download]\nsystem_user = "w"\n${keys}`;
    const both = `ssh_authorized_key = "${sshKey(9)}"\nssh_authorized_keys = ["${sshKey(8)}"]`;
    expect(messagesOf(sampleConfig({ tail: user(both) }))).toEqual([expect.stringContaining("exclude each other")]);
    expect(messagesOf(sampleConfig({ tail: user("ssh_authorized_keys = []") }))).toEqual([
      "users[3].system_only_wireguard_download.ssh_authorized_keys: is empty, one key is needed at least",
    ]);
    expect(messagesOf(sampleConfig({ tail: user("") }))).toEqual([
      "users[3].system_only_wireguard_download: ssh_authorized_keys is missing",
    ]);
  });

  test.each([
    ["10.0.0.1", false],
    ["localhost.example.org", false],
    ["127.0.0.1.example.org", false],
    ["hsm", false],
    ["127.0.0.1", true],
    ["127.8.9.10", true],
    ["localhost", true],
    ["[::1]", true],
  ])("unchecked TLS to %s without further ado: %s", (host, accepted) => {
    const text = (more: string) =>
      sampleConfig({
        connections: `connections = [{ url = "https://${host}/api/v1", tls_security = "Unsafe"${more} }]`,
      });
    if (accepted) {
      expect(parseConfig(text("")).warnings).toEqual([]);
    } else {
      expect(messagesOf(text(""))).toEqual([expect.stringContaining("allow_unsafe_tls = true")]);
      expect(parseConfig(text(", allow_unsafe_tls = true")).warnings).toEqual([expect.stringContaining("not checked")]);
    }
  });

  test.each([
    ["http://localhost/api/v1", /does not begin with https/],
    ["https://user:pw@localhost/", /contains credentials/],
    ["https://localhost/?a=b", /more than host, port and path/],
  ])("device URL %s", (url, message) => {
    const connections = `connections = [{ url = "${url}", tls_security = "Native" }]`;
    expect(messagesOf(sampleConfig({ connections }))).toEqual([expect.stringMatching(message)]);
  });

  test("one device twice", () => {
    const connections = `${connection}[[connections]]\nurl = "https://localhost:8443/api/v1/"\ntls_security = "Native"`;
    expect(messagesOf(sampleConfig({ connections }))).toEqual([
      "connections[1]: duplicate connection to https://localhost:8443/api/v1",
    ]);
  });

  test("a syntax error has its line", () => {
    expect(problemsOf('iteration = 1\nusers = [\n"a" "b"]')).toEqual([
      { path: "", line: 3, message: expect.any(String) },
    ]);
  });

  test("keys that mean something to JavaScript are keys like others", () => {
    expect(problemsOf(sampleConfig({ tail: "[__proto__]\niteration = 2" }))).toHaveLength(1);
    expect(problemsOf(sampleConfig({ tail: "[constructor]\na = 2" }))).toHaveLength(1);
    expect(messagesOf(sampleConfig({ tail: "[toString]\na = 2" }))).toEqual(["toString: unknown key"]);
  });

  test("duplicates are found in mappings that are broken elsewhere too", () => {
    const broken = signingUser({ setup: 'key_type = "Nothing"' });
    const messages = messagesOf(sampleConfig({ tail: signingUser() + broken }));
    for (const what of ["system user signer", "NetHSM user operator", "SSH key SHA256:", "key id key", "tag tag"]) {
      expect(messages).toContainEqual(expect.stringContaining(`duplicate ${what}`));
    }
    expect(messages).toContainEqual(expect.stringContaining('"Nothing" is none of "Curve25519"'));
  });

  test("no document makes the reader fail in another way than ConfigError", () => {
    const word = fc.constantFrom("users", "iteration", "connections", "system_nethsm_backup", "a", "nethsm", "device");
    const value = fc.constantFrom(
      "1",
      "'x'",
      "[]",
      "{}",
      "[{}]",
      "true",
      "1.5",
      "1979-05-27",
      "[1, [2]]",
      "{ nethsm = {} }",
    );
    const line = fc.oneof(
      fc.tuple(word, value).map(([k, v]) => `${k} = ${v}`),
      fc.array(word, { minLength: 1, maxLength: 3 }).map((ws) => `[${ws.join(".")}]`),
      fc.array(word, { minLength: 1, maxLength: 2 }).map((ws) => `[[${ws.join(".")}]]`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        expect(problemsOf(lines.join("\n")).length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

test("share users stand beside the other users", () => {
  expect(parseConfig(sampleConfig({ users: admin + shareUsers })).mappings).toHaveLength(3);
});
