import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl, pinOf, type TlsSecurity } from "@signstar/nethsm/tls";
import { roles } from "@signstar/nethsm/types";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSettings } from "./encode.ts";
import { InvalidSettings } from "./errors.ts";
import type { PassphraseSource, Settings } from "./model.ts";
import { parseSettings } from "./parse.ts";
import { parseTlsSecurity, showTlsSecurity } from "./tls-words.ts";

const pin = pinOf(Uint8Array.of(1));

/** Settings with passphrases in clear, to compare. */
function shown({ devices }: Settings): unknown {
  return devices.map(({ credentials, ...device }) => ({
    ...device,
    credentials: credentials.map(({ passphrase, ...rest }) => ({
      ...rest,
      passphrase: passphrase?.kind === "stored" ? passphrase.passphrase.use(fromUtf8) : passphrase,
    })),
  }));
}

function problemsOf(text: string): string[] {
  try {
    parseSettings(text);
  } catch (error) {
    if (error instanceof InvalidSettings) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

describe("parseSettings", () => {
  test("reads every form", () => {
    const text = `
[devices.a.connection]
url = "https://a/api/v1/"
tls_security = "Unsafe"
[[devices.a.credentials]]
role = "Administrator"
name = "admin"
passphrase = "secret"
[[devices.a.credentials]]
role = "Operator"
name = "ns~op"
passphrase_command = ["pass", "show"]
[[devices.a.credentials]]
role = "Backup"
name = "backup"
passphrase_credential = "hsm-backup"
[devices.b]
connection = { url = "https://b:8443/api/v1", tls_security = { Fingerprints = { sha256 = ["${pin.toUpperCase()}"] } } }
[devices."c d".connection]
url = "https://c/api/v1"
tls_security = "sha256:${pin},sha256:${pin}"
`;
    expect(shown(parseSettings(text))).toEqual([
      {
        label: "a",
        connection: { url: "https://a/api/v1", tls: { mode: "unsafe" } },
        credentials: [
          { role: "Administrator", name: "admin", passphrase: "secret" },
          { role: "Operator", name: "ns~op", passphrase: { kind: "command", argv: ["pass", "show"] } },
          { role: "Backup", name: "backup", passphrase: { kind: "systemd", name: "hsm-backup" } },
        ],
      },
      {
        label: "b",
        connection: { url: "https://b:8443/api/v1", tls: { mode: "pinned", sha256: [pin] } },
        credentials: [],
      },
      {
        label: "c d",
        connection: { url: "https://c/api/v1", tls: { mode: "pinned", sha256: [pin, pin] } },
        credentials: [],
      },
    ]);
  });

  test("takes an empty file as no devices", () => {
    expect(parseSettings("").devices).toEqual([]);
  });

  test("tells all problems, with their places", () => {
    const text = `
other = 1
[devices.a.connection]
url = "http://a"
tls_security = { Fingerprints = { sha256 = ["12"] } }
port = 1
[[devices.a.credentials]]
role = "administrator"
name = "-x"
[[devices.a.credentials]]
role = "Operator"
name = "op"
passphrase = "a"
passphrase_command = []
[devices."a/b".connection]
tls_security = "tls"
`;
    expect(problemsOf(text)).toEqual([
      "other: is not known; known here: devices",
      "devices.a.connection.port: is not known; known here: url, tls_security",
      expect.stringMatching(/^devices\.a\.connection\.url: device URL "http:\/\/a" does not begin with https/),
      expect.stringMatching(/^devices\.a\.connection\.tls_security\.Fingerprints\.sha256: certificate pin .* is not a/),
      expect.stringMatching(/^devices\.a\.credentials\[0\]\.name: user name "-x" begins with/),
      "devices.a.credentials[0].role: is not one of Administrator, Operator, Metrics, Backup",
      "devices.a.credentials[1]: passphrase and passphrase_command exclude each other",
      'devices."a/b": this label cannot be used',
      'devices."a/b".connection.tls_security: TLS security "tls" is not known',
      'devices."a/b".connection.url: is missing',
    ]);
  });

  test("tells where TOML is broken without showing the lines", () => {
    const [problem] = problemsOf('[devices.a]\npassphrase = "hunter2\n');
    expect(problem).toMatch(/^line 2: /);
    expect(problem).not.toContain("hunter2");
  });

  test("refuses a user who is listed twice", () => {
    const user = '[[devices.a.credentials]]\nrole = "Operator"\nname = "op"\n';
    const text = `[devices.a.connection]\nurl = "https://a"\ntls_security = "Native"\n${user}${user}`;
    expect(problemsOf(text)).toEqual(["devices.a.credentials: op is listed twice"]);
  });

  const sample = join(import.meta.dirname, "../../../../shared/data/config/nethsm-cli-config.toml");
  test.skipIf(!existsSync(sample))("reads the file of the original program (needs ../shared/data)", () => {
    expect(shown(parseSettings(readFileSync(sample, "utf8")))).toEqual([
      {
        label: "test",
        connection: { url: "https://localhost:8443/api/v1", tls: { mode: "unsafe" } },
        credentials: [{ role: "Administrator", name: "admin", passphrase: "my-very-unsafe-admin-passphrase" }],
      },
    ]);
  });
});

const source: fc.Arbitrary<PassphraseSource | undefined> = fc.oneof(
  fc.constant(undefined),
  fc
    .string({ unit: "grapheme" })
    .map((text): PassphraseSource => ({ kind: "stored", passphrase: Secret.fromText(text) })),
  fc.array(fc.string()).map((args): PassphraseSource => ({ kind: "command", argv: ["program", ...args] })),
  fc.stringMatching(/^[a-z][a-z.-]{0,9}$/).map((name): PassphraseSource => ({ kind: "systemd", name })),
);
const tls: fc.Arbitrary<TlsSecurity> = fc.oneof(
  fc.constantFrom<TlsSecurity>({ mode: "unsafe" }, { mode: "native" }),
  fc
    .array(fc.uint8Array({ minLength: 1 }).map(pinOf), { minLength: 1, maxLength: 3 })
    .map((sha256): TlsSecurity => ({ mode: "pinned", sha256 })),
);
const user = fc.stringMatching(/^[a-z0-9]{1,8}(~[a-z0-9]{1,8})?$/).map(parseUserId);
const settings: fc.Arbitrary<Settings> = fc.record({
  devices: fc.uniqueArray(
    fc.record({
      label: fc.stringMatching(/^[A-Za-z_ä" -][A-Za-z_ä" .-]{0,9}$/),
      connection: fc.record({
        url: fc.webAuthority().map((host) => parseDeviceUrl(`https://${host.replace(/^.*@/, "")}/api/v1`)),
        tls,
      }),
      credentials: fc.uniqueArray(fc.record({ name: user, role: fc.constantFrom(...roles), passphrase: source }), {
        selector: ({ name }) => name,
        maxLength: 4,
      }),
    }),
    { selector: ({ label }) => label, maxLength: 4 },
  ),
});

test("parse undoes encode", () => {
  fc.assert(
    fc.property(settings, (given) => {
      expect(shown(parseSettings(encodeSettings(given)))).toEqual(shown(given));
    }),
  );
});

describe("parseTlsSecurity", () => {
  test("reads what the command line gives, pins as bytes in hexadecimal", () => {
    expect(parseTlsSecurity("unsafe")).toEqual({ mode: "unsafe" });
    expect(parseTlsSecurity("Native")).toEqual({ mode: "native" });
    expect(parseTlsSecurity(`sha256:${pin},sha256:${pin.toUpperCase()}`)).toEqual({
      mode: "pinned",
      sha256: [pin, pin],
    });
  });

  test("shows what it reads", () => {
    fc.assert(
      fc.property(tls, (given) => {
        expect(parseTlsSecurity(showTlsSecurity(given))).toEqual(given);
      }),
    );
  });

  test.each(["", "tls", "sha256:", `sha256:${pin},`, `sha256:${pin},sha256:12`, `sha1:${pin}`])(
    "refuses %j",
    (text) => {
      expect(() => parseTlsSecurity(text)).toThrow(expect.objectContaining({ exit: 64 }));
    },
  );
});
