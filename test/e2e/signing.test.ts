// needs: root gpg journalctl sq sqop sqv ssh sshd systemd-tmpfiles unshare useradd
/** Files are signed over SSH by every type of key, and everybody's verifier accepts the signatures. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { verifiers, verifyWith } from "@signstar/openpgp/testing/tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle, repository } from "../../scripts/bundle.ts";
import { executables } from "../../scripts/executables.ts";
import { keyTypeNames } from "../../scripts/stage/appliance-config.ts";
import { Appliance } from "./appliance.ts";

const users = [
  ...keyTypeNames.map((keyType, i) => ({
    user: `build${i}`,
    keyId: `key${i}`,
    keyType,
    openPgpUserId: `${keyType} <a@example.org>`,
  })),
  {
    user: "build-ns",
    keyId: "key0",
    namespace: "ns1",
    keyType: "Ed25519" as const,
    openPgpUserId: "Namespaced <b@example.org>",
  },
];

let appliance: Appliance;

beforeAll(async () => {
  appliance = await Appliance.start({ users });
}, 180_000);

afterAll(() => appliance?.stop());

describe.each(users)("$user with $keyType", ({ user, keyId, ...rest }) => {
  test("gets a signature that gpg, sqv, sq and sqop accept for this file alone", async () => {
    const out = appliance.path(`out-${user}`);
    mkdirSync(out);
    const file = join(repository, "README.md");
    const certificate = appliance.certificate("namespace" in rest ? `${rest.namespace}~${keyId}` : keyId);
    const result = appliance.sign(user, ["--output-dir", out, "--certificate", certificate, `${user}@127.0.0.1`, file]);
    expect(result).toMatchObject({ status: 0, stdout: "" });

    const signed = {
      certificate: readFileSync(certificate),
      signature: readFileSync(join(out, "README.md.sig")),
      data: readFileSync(file),
    };
    for (const verifier of verifiers) {
      const verdict = await verifyWith(verifier, signed);
      expect(verdict.accepted, `${verifier}: ${verdict.output}`).toBe(true);
      const other = await verifyWith(verifier, { ...signed, data: Buffer.from("something else\n") });
      expect(other.accepted, verifier).toBe(false);
    }
  });
});

test("several files are signed, one bad one does not stop them, and none is written twice", async () => {
  const files = ["a", "b"].map((name) => appliance.path(name));
  for (const file of files) writeFileSync(file, `${file}\n`);
  const missing = appliance.path("missing");
  const first = appliance.sign("build0", ["--armor", "build0@127.0.0.1", files[0] ?? "", missing, files[1] ?? ""]);
  expect(first.status).toBe(66);
  expect(first.stderr).toContain("missing");
  for (const file of files) {
    const signed = {
      certificate: readFileSync(appliance.certificate("key0")),
      signature: readFileSync(`${file}.asc`),
      data: readFileSync(file),
    };
    expect(await verifyWith("gpg", signed)).toMatchObject({ accepted: true });
  }
  const before = readFileSync(`${files[0]}.asc`);
  expect(appliance.sign("build0", ["--armor", "build0@127.0.0.1", files[0] ?? ""]).status).toBe(73);
  expect(readFileSync(`${files[0]}.asc`)).toEqual(before);
});

test("a file of 2 GiB is signed by sending a few kilobytes", () => {
  const file = appliance.path("large");
  closeSync(openSync(file, "w"));
  truncateSync(file, 2 ** 31);
  const sent = appliance.path("sent");
  const counting = appliance.path("counting-ssh");
  writeFileSync(counting, `#!/bin/sh\ntee '${sent}' | ssh "$@"\n`, { mode: 0o755 });
  const result = appliance.sign("build0", ["--ssh", counting, "build0@127.0.0.1", file]);
  expect(result).toMatchObject({ status: 0 });
  expect(statSync(sent).size).toBeGreaterThan(500);
  expect(statSync(sent).size).toBeLessThan(4096);
  const sqv = spawnSync("sqv", ["--keyring", appliance.certificate("key0"), `${file}.sig`, file], { encoding: "utf8" });
  expect(sqv.status, sqv.stderr).toBe(0);
  rmSync(file);
}, 120_000);

test("each signature has an intent and then a verdict in the journal, and no secret is in it", () => {
  const entries = appliance.journal();
  const sessions = entries.filter(({ event, user }) => event === "session-start" && user === "build1");
  expect(sessions).toHaveLength(1);
  const [start] = sessions;
  const session = entries.filter((entry) => entry["session"] === start?.["session"]);
  expect(session.map(({ event }) => event)).toEqual(["session-start", "intent", "verdict", "session-end"]);
  expect(session.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  const digest = createHash("sha512")
    .update(readFileSync(join(repository, "README.md")))
    .digest("hex");
  expect(session[1]).toMatchObject({ user: "build1", key: "key1", digest });
  expect(session[2]).toMatchObject({ outcome: "signed", digest });
  expect(JSON.stringify(entries)).not.toMatch(/passphrase|Basic /i);
});

test("the commands of the operator's guide list what one key has signed, from the journal", async () => {
  const guide = readFileSync(join(repository, "docs", "operating.md"), "utf8");
  const commands = [...guide.matchAll(/^```sh\n(signstar-audit [^`]+)```$/gm)].map(([, command = ""]) => command);
  const entries = appliance.journal();
  const { client_key: key } = entries.find(({ event, user }) => event === "session-start" && user === "build2") ?? {};
  const bin = appliance.path("bin");
  mkdirSync(bin);
  // As journald would keep them, now in the time of which the guide speaks.
  const kept = entries.map((entry) => ({
    __REALTIME_TIMESTAMP: String(Date.parse("2026-11-20T12:00:00Z") * 1000),
    SYSLOG_IDENTIFIER: "signstar-download-signature",
    MESSAGE: JSON.stringify(entry),
  }));
  writeFileSync(join(bin, "entries"), `not JSON\n${kept.map((entry) => `${JSON.stringify(entry)}\n`).join("")}`);
  // The real one judges the words, and has nothing to show on this machine.
  const journalctl = `#!/bin/sh\n/usr/bin/journalctl --directory='${bin}' "$@" >/dev/null && cat '${join(bin, "entries")}'\n`;
  writeFileSync(join(bin, "journalctl"), journalctl, { mode: 0o755 });
  const executable = executables.find(({ name }) => name === "signstar-audit");
  if (executable === undefined) throw new Error("no such executable");
  writeFileSync(join(bin, "audit.cjs"), (await bundle(executable)).code);
  writeFileSync(join(bin, "signstar-audit"), `#!/bin/sh\nexec '${process.execPath}' '${bin}/audit.cjs' "$@"\n`, {
    mode: 0o755,
  });
  const [listed, revoked] = commands.map((command) => {
    const script = command.replace("SHA256:…", String(key)).replace(/>\S+/, "");
    const { status, stdout, stderr } = spawnSync("sh", ["-c", script], {
      encoding: "utf8",
      env: { PATH: `${bin}:/usr/bin:/bin` },
    });
    expect(status, stderr).toBe(0);
    return stdout;
  });
  const file = readFileSync(join(repository, "README.md"));
  const digest = createHash("sha512").update(file).digest("hex");
  expect(listed).toMatch(
    new RegExp(
      `^2026-11-20T12:00:00\\.000Z signed key=key2 user=build2 .* size=${file.length} sha512=${digest} .* name="README\\.md"\n$`,
    ),
  );
  expect(JSON.parse(revoked ?? "")).toMatchObject({
    client_key: key,
    complete: true,
    signatures: [{ sha512: digest }],
  });
});
