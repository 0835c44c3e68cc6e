// needs: gpg sq sqop sqv ssh sshd systemd-tmpfiles unshare useradd
/** Files are signed over SSH by every type of key, and everybody's verifier accepts the signatures. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repository } from "../../scripts/bundle.ts";
import type { KeyTypeName } from "../../scripts/stage/appliance-config.ts";
import { Appliance } from "./appliance.ts";
import { verifiers } from "./verifiers.ts";

const keyTypes: readonly KeyTypeName[] = ["Ed25519", "EcP256", "EcP384", "EcP521", "RSA-2048", "RSA-4096"];

const users = [
  ...keyTypes.map((keyType, i) => ({
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
  test("gets a signature that gpg, sqv, sq and sqop accept for this file alone", () => {
    const out = appliance.path(`out-${user}`);
    mkdirSync(out);
    const file = join(repository, "README.md");
    const certificate = appliance.certificate("namespace" in rest ? `${rest.namespace}~${keyId}` : keyId);
    const result = appliance.sign(user, ["--output-dir", out, "--certificate", certificate, `${user}@127.0.0.1`, file]);
    expect(result).toMatchObject({ status: 0, stdout: "" });

    const signature = join(out, "README.md.sig");
    const other = join(out, "other");
    writeFileSync(other, "something else\n");
    for (const [name, verify] of Object.entries(verifiers)) {
      const verdict = verify({ file, signature, certificate });
      expect(verdict.good, `${name}: ${verdict.output}`).toBe(true);
      expect(verify({ file: other, signature, certificate }).good, name).toBe(false);
    }
  });
});

test("several files are signed, one bad one does not stop them, and none is written twice", () => {
  const files = ["a", "b"].map((name) => appliance.path(name));
  for (const file of files) writeFileSync(file, `${file}\n`);
  const missing = appliance.path("missing");
  const first = appliance.sign("build0", ["--armor", "build0@127.0.0.1", files[0] ?? "", missing, files[1] ?? ""]);
  expect(first.status).toBe(66);
  expect(first.stderr).toContain("missing");
  for (const file of files) {
    const certificate = appliance.certificate("key0");
    expect(verifiers.gpg({ file, signature: `${file}.asc`, certificate })).toMatchObject({ good: true });
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
  const certificate = appliance.certificate("key0");
  expect(verifiers.sqv({ file, signature: `${file}.sig`, certificate })).toMatchObject({ good: true });
  rmSync(file);
}, 120_000);

test("each signature has an intent and then a verdict in the journal, and no secret is in it", () => {
  const entries = appliance.journal();
  const events = entries.filter(({ user }) => user === "build1").map(({ event }) => event);
  expect(events.filter((event) => event === "intent")).toHaveLength(1);
  expect(events.filter((event) => event === "verdict")).toHaveLength(1);
  expect(events.indexOf("intent")).toBeLessThan(events.indexOf("verdict"));
  expect(JSON.stringify(entries)).not.toMatch(/passphrase|Basic /i);
});
