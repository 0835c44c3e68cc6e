import { readFileSync } from "node:fs";
import { mappingsOfKind, sshMappings, systemMappings } from "@signstar/config/mapping";
import { parseConfig } from "@signstar/config/parse";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RenderOptions, render } from "./render.ts";
import { featuresOf, parseVersion } from "./sshd-version.ts";
import { exampleConfig } from "./testing/tree.ts";
import { parsePlainPath, parsePlainWords } from "./words.ts";

const text = readFileSync(exampleConfig, "utf8");
const config = parseConfig(text);
const options: RenderOptions = { binDir: parsePlainPath("/usr/bin"), programOptions: [], timeouts: true };
const fileOf = (path: string, desired = render(config, options)) =>
  desired.files.find((file) => file.path === path)?.content;

test("the example's users and files, all of them", async () => {
  const { users, files } = render(config, options);
  const shown = [
    ...users.map(({ name, home, shell }) => `user ${name} ${home} ${shell}\n`),
    ...files.map(({ path, mode, content }) => `==> ${path} ${mode.toString(8)}\n${content}`),
  ];
  await expect(shown.join("\n")).toMatchFileSnapshot("testing/example.tree");
});

test("rendering twice gives the same, whatever the spelling of the file", () => {
  expect(render(parseConfig(`# a comment\n${text}`), options)).toEqual(render(config, options));
});

test("every file has its own path and no user has anybody else's", () => {
  const { users, files } = render(config, options);
  expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
  expect(users.map(({ name }) => name)).toEqual(systemMappings(config).map(({ systemUser }) => systemUser));
  for (const { path } of files) expect(path).toMatch(/^\/(?:etc\/ssh|usr\/lib)\/[a-z0-9_./-]+$/);
});

describe("authorized keys", () => {
  test.each(sshMappings(config).map((mapping) => [mapping.systemUser, mapping] as const))("of %s", (user, mapping) => {
    const lines = fileOf(`/etc/ssh/signstar-user-${user}.authorized_keys`)?.split("\n") ?? [];
    expect(lines.pop()).toBe("");
    expect(lines).toEqual(mapping.authorizedKeys.map((key) => `restrict ${key.type} ${key.data} ${key.comment}`));
  });
});

test("who only works locally has neither keys nor a drop-in", () => {
  const [local] = mappingsOfKind(config, "hermetic-metrics");
  const { files } = render(config, options);
  expect(files.filter(({ path }) => path.includes(`-${local?.systemUser}.`)).map(({ path }) => path)).toEqual([
    `/usr/lib/tmpfiles.d/signstar-user-${local?.systemUser}.conf`,
  ]);
});

test("without secret sharing there are no shares, and a place for the credentials", () => {
  const plain = parseConfig(
    text
      .replace(/^admin_secret_handling = .*$/m, 'admin_secret_handling = "plaintext"')
      .replace(/\[\[users\]\]\n\n\[users\.system_only_share_[a-z]+\][^[]*\[(?:[^\]]*)\]\n/g, ""),
  );
  const { files } = render(plain, options);
  expect(files.some(({ content }) => content.includes("secret-shares"))).toBe(false);
  expect(files.some(({ path }) => path.endsWith(".path"))).toBe(false);
  expect(fileOf("/usr/lib/tmpfiles.d/signstar.conf", render(plain, options))).toContain(
    "d /var/lib/signstar/creds 0700 root root -\n",
  );
});

test("only what encrypts has access to the host's key and the TPM", () => {
  const path = "/usr/lib/systemd/system/signstar-configure.service.d/50-signstar-credentials.conf";
  const plain = text.replace(/^non_admin_secret_handling = .*$/m, 'non_admin_secret_handling = "plaintext"');
  expect(fileOf(path)).toContain("\nDeviceAllow=/dev/tpmrm0 rw\n");
  expect(fileOf(path, render(parseConfig(plain), options))).toBeUndefined();
});

test("an sshd before 9.2 gets no time-outs, the rest is the same", () => {
  const path = "/etc/ssh/sshd_config.d/10-signstar-user-sign-releases.conf";
  const now = fileOf(path) ?? "";
  const old = fileOf(path, render(config, { ...options, timeouts: false })) ?? "";
  expect(now.split("\n").filter((line) => !old.split("\n").includes(line))).toEqual([
    "    ChannelTimeout session:*=5m",
    "    UnusedConnectionTimeout 30s",
  ]);
});

test.each([
  ["OpenSSH_9.2, OpenSSL 3.0.19", true],
  ["OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.1", true],
  ["unknown option -- V\nOpenSSH_8.4p1 Debian-5, OpenSSL 1.1.1\nusage: sshd", false],
  ["OpenSSH_9.1p1", false],
  ["something else", true],
])("%j: time-outs %s", (answer, timeouts) => {
  expect(featuresOf(parseVersion(answer)).timeouts).toBe(timeouts);
});

describe("words for the ForceCommand line", () => {
  test("another directory and further words", () => {
    const binDir = parsePlainPath("/opt/signstar/bin/");
    const programOptions = parsePlainWords(" --root  /tmp/a ");
    expect(
      fileOf(
        "/etc/ssh/sshd_config.d/10-signstar-user-hsm-backup.conf",
        render(config, { ...options, binDir, programOptions }),
      ),
    ).toContain("\n    ForceCommand /opt/signstar/bin/signstar-download-backup --root /tmp/a\n");
  });

  test("what a shell or sshd would interpret is refused", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (word) => {
        if (/^[A-Za-z0-9_@+=:,./ -]*$/.test(word)) return;
        expect(() => parsePlainWords(word)).toThrow("is no word for a ForceCommand");
        expect(() => parsePlainPath(`/${word}`)).toThrow("is not an absolute path");
      }),
    );
    for (const word of ["$HOME", "%u", "a;b", "`id`", "a\nb", '"x"', "a\\b", "~", "*"]) {
      expect(() => parsePlainWords(word)).toThrow("is no word");
    }
    expect(() => parsePlainPath("usr/bin")).toThrow("is not an absolute path");
    expect(() => parsePlainPath("/usr/my bin")).toThrow("is not an absolute path");
  });
});
