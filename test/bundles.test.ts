/** What each bundle contains: the rooms and packages that its job needs, within its byte budget, and nothing else. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildAll } from "../scripts/build.ts";
import { type Bundle, bundle, firstLine, firstLineWithTls } from "../scripts/bundle.ts";
import { executables } from "../scripts/executables.ts";

interface Allowed {
  /** Rooms of ours and packages of others. */
  readonly contents: readonly string[];
  readonly kibibytes: number;
}

const command = ["command", "commander", "primitives"];
const curves = ["@noble/curves", "@noble/hashes"];
const execa = [
  ...["execa", "@sec-ant/readable-stream", "@sindresorhus/merge-streams", "figures", "get-stream", "human-signals"],
  ...["is-plain-obj", "is-stream", "is-unicode-supported", "npm-run-path", "parse-ms", "path-key", "pretty-ms"],
  ...["signal-exit", "strip-final-newline", "unicorn-magic", "which-command", "yoctocolors"],
];
const pino = [
  ...["pino", "@pinojs/redact", "atomic-sleep", "on-exit-leak-free", "pino-std-serializers", "quick-format-unescaped"],
  ...["safe-stable-stringify", "sonic-boom", "thread-stream"],
];
const ssh2 = ["ssh2", "asn1", "bcrypt-pbkdf", "safer-buffer", "tweetnacl"];

/** What every program behind ForceCommand has. */
const serving = [
  ...["appliance", "command", "config", "hash-state", "host", "nethsm", "primitives", "smol-toml", "@noble/hashes"],
];

const allowed: Readonly<Record<string, Allowed>> = {
  "signstar-request-signature": {
    contents: [...command, ...curves, ...ssh2, "client", "hash-state", "openpgp", "signing", "signing-request"],
    kibibytes: 1250,
  },
  // Without the arithmetic of shares: a holder has only one.
  "signstar-share": { contents: [...command, ...ssh2, "client", "secret-sharing"], kibibytes: 980 },
  "signstar-download-signature": {
    contents: [...serving, "@noble/curves", "openpgp", "signing", "signing-request"],
    kibibytes: 505,
  },
  "signstar-download-backup": { contents: [...serving, "nethsm-backup"], kibibytes: 275 },
  "signstar-download-key-certificate": { contents: [...serving, "openpgp"], kibibytes: 180 },
  "signstar-download-metrics": { contents: serving, kibibytes: 285 },
  // Share files are looked at, never combined: no arithmetic of shares in these two.
  "signstar-download-secret-share": { contents: [...serving, "secret-sharing"], kibibytes: 180 },
  "signstar-download-wireguard": { contents: serving, kibibytes: 155 },
  "signstar-upload-backup": { contents: [...serving, "nethsm-backup"], kibibytes: 180 },
  "signstar-upload-secret-share": { contents: [...serving, "secret-sharing"], kibibytes: 190 },
  "signstar-upload-update": { contents: serving, kibibytes: 170 },
  "signstar-configure": {
    contents: [
      ...command,
      ...curves,
      ...pino,
      "config",
      "configure",
      "host",
      "nethsm",
      "nethsm-backup",
      "openpgp",
      "secret-sharing",
      "shamir-secret-sharing",
      "signing",
      "smol-toml",
    ],
    kibibytes: 950,
  },
  "signstar-configure-build": {
    contents: [...command, ...execa, "config", "configure-build", "host", "nethsm", "smol-toml"],
    kibibytes: 580,
  },
  "signstar-audit": {
    contents: [...command, "audit", "config", "host", "nethsm", "smol-toml"],
    kibibytes: 350,
  },
  // openpgp.js is left out: it is installed beside the program, for those who import secret keys.
  nethsm: {
    contents: [
      ...[...command, ...curves, ...execa, "hash-state", "nethsm", "nethsm-backup", "nethsm-cli", "nethsm-settings"],
      ...["openpgp", "signing", "signing-request", "smol-toml"],
    ],
    kibibytes: 1050,
  },
  "soft-nethsm": {
    contents: [...command, ...curves, ...pino, "nethsm", "nethsm-backup", "soft-nethsm"],
    kibibytes: 650,
  },
};

test("every kernel reads the whole first line of a program, those that ask devices excepted", () => {
  expect(firstLine.length).toBeLessThan(127);
  expect(firstLineWithTls.length).toBeLessThan(255);
});

test("a build keeps the manual, and nothing else that it did not make", async () => {
  const directory = mkdtempSync(join(tmpdir(), "build-"));
  try {
    for (const path of ["man/nethsm.1", "completions/bash/nethsm", "former", "meta/nethsm.json"]) {
      mkdirSync(join(directory, dirname(path)), { recursive: true });
      writeFileSync(join(directory, path), "");
    }
    await buildAll(directory);
    const names = executables.map(({ name }) => name);
    expect(readdirSync(directory).sort()).toEqual(
      ["completions", "lib", "man", "meta", "package.json", ...names].sort(),
    );
    expect(existsSync(join(directory, "man/nethsm.1"))).toBe(true);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** `packages/config/src/parse.ts` is `config`; `node_modules/.pnpm/…/node_modules/smol-toml/…` is `smol-toml`. */
function ownerOf(input: string): string {
  const inner = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
  return inner ?? /^packages\/([^/]+)\//.exec(input)?.[1] ?? input;
}

describe.each(executables.map((executable) => [executable.name, executable] as const))("%s", (name, executable) => {
  let made: Bundle;
  beforeAll(async () => {
    made = await bundle(executable);
  });

  test("contains what is allowed and no more", () => {
    const owners = new Set(Object.keys(made.metafile.inputs).map(ownerOf));
    owners.delete(`bin/${name}.ts`);
    expect([...owners].sort()).toEqual([...(allowed[name]?.contents ?? [])].sort());
  });

  test("keeps to its budget", () => {
    expect(made.code.length / 1024).toBeLessThan(allowed[name]?.kibibytes ?? 0);
  });

  test("is readable and starts with the check of the Node version", () => {
    const [shebang = "", build, ...lines] = made.code.split("\n");
    const asksDevices = ["signature", "backup", "metrics"].some((what) => name === `signstar-download-${what}`);
    expect(shebang).toBe(asksDevices ? firstLineWithTls : firstLine);
    expect(build).toMatch(/^\/\/ build [0-9a-f]{32}$/);
    const code = lines.join("\n");
    expect(code.indexOf("process.versions.node")).toBeLessThan(code.indexOf("require("));
    // The code cache and what it was made of are read as Latin-1.
    expect(/[^\t\n\x20-\x7e]/.exec(code)?.[0]).toBeUndefined();
    const longest = Math.max(...made.code.split("\n").map((line) => line.length));
    // Not minified: the longest line is a table of tweetnacl's.
    expect(longest).toBeLessThan(20_000);
  });

  if (executable.runner === "forced") {
    test("loads none of what a request must not pay for", () => {
      const owners = new Set(Object.keys(made.metafile.inputs).map(ownerOf));
      for (const heavy of ["openpgp-js", "undici", "pino", "commander", "ssh2", "valibot", "soft-nethsm"]) {
        expect(owners).not.toContain(heavy);
      }
    });

    // Evaluated when imported, that is if the config has such credentials.
    test("asks systemd for passphrases only where they are encrypted", () => {
      const sources = ["encrypted-credentials", "varlink"].map((file) => `packages/host/src/${file}.ts`);
      for (const source of sources.filter((each) => each in made.metafile.inputs)) {
        expect(made.code).toContain(`__esm({\n  "${source}"() {`);
      }
    });
  }
});
