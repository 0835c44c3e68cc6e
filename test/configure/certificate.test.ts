import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "@signstar/configure/device";
import { resumeSha512 } from "@signstar/hash-state/resume";
import { freshSha512 } from "@signstar/hash-state/sha512-state";
import { NetHsm } from "@signstar/nethsm/client";
import { parseKeyId, parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import { type Certificate, prepareCertificate, readCertificate } from "@signstar/openpgp/certificate";
import { verifiers, verifyWith } from "@signstar/openpgp/testing/tools";
import { toHex } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { nethsmSigner, type RawSigner, readAnswer } from "@signstar/signing/raw-signer";
import { signState } from "@signstar/signing/sign-state";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { administrator, intercepted, type Stage, setUp, signing } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const mapping = { user: "build", operator: "op1", key: "key1", tag: "tag1" };
const config = administrator("admin") + signing(mapping);

let stage: Stage;
beforeEach(async () => {
  stage = await setUp();
});
afterEach(() => stage.close());

const certificateFile = () => join(stage.root, "var/lib/signstar/certificates/key1.pgp");
const certificate = () => readCertificate(readFileSync(certificateFile()));
const fingerprint = () => toHex(certificate().key.fingerprint);

/** The configured Operator with the passphrase from its file, as the signing program logs in. */
function operatorSigner(device: NetHsm, { key }: Certificate): RawSigner {
  const secrets = "var/lib/signstar/home/build/.local/state/signstar/secrets";
  const passphrase = Secret.fromText(readFileSync(join(stage.root, secrets, "op1.txt"), "utf8"));
  const user = parseUserId("op1");
  return nethsmSigner(device.as({ user, passphrase }).keys, parseKeyId("key1"), key.material);
}

function connect(): NetHsm {
  const { url, tlsFingerprint } = stage.hsm;
  return new NetHsm({ url: parseDeviceUrl(url), tls: { mode: "pinned", sha256: [parsePin(tlsFingerprint)] } });
}

describe.each(["Curve25519", "EcP256", "Rsa"] as const)("a certificate for %s", (type) => {
  test("is accepted by all verifiers, with a signature by the mapped user", async () => {
    await stage.apply(administrator("admin") + signing({ ...mapping, type }));
    const data = Buffer.from("some data\n");
    const state = { ...freshSha512, tail: data };
    using device = connect();
    const signer = operatorSigner(device, certificate());
    const now = Math.floor(Date.now() / 1000);
    const { packet } = await signState({ state, certificate: certificate(), signer, now });
    for (const verifier of verifiers) {
      const verdict = await verifyWith(verifier, { certificate: certificate().bytes, signature: packet, data });
      expect(verdict, verifier).toMatchObject({ accepted: true });
    }
  });
});

/** As some programs make them: nothing allows the key to sign. */
async function makeWithoutFlags(device: NetHsm): Promise<Uint8Array> {
  const { key } = certificate();
  const signer = operatorSigner(device, certificate());
  const unfinished = prepareCertificate({
    key,
    userId: "build <build@example.org>",
    creationTime: key.creationTime,
    hashed: resumeSha512(freshSha512),
    flags: 0,
  });
  return unfinished.finish(readAnswer(key.material, await signer.sign(unfinished.digest)));
}

test("one without key flags is made again, and keeps its fingerprint", async () => {
  await stage.apply(config);
  using device = connect();
  const before = fingerprint();
  const createdAt = certificate().key.creationTime;
  writeFileSync(certificateFile(), await makeWithoutFlags(device));
  while (Date.now() < (createdAt + 1) * 1000) await new Promise((resolve) => setTimeout(resolve, 50));
  const made = await stage.apply(config);
  expect(made).toMatchObject([
    { kind: "make-certificate", why: expect.stringContaining("has no key flags") },
    { kind: "keep-backup" },
  ]);
  expect(fingerprint()).toBe(before);
  // Who has the old one takes the newer self-signature of the two.
  const [signature] = certificate().userIds.flatMap(({ certifications }) => certifications);
  expect(signature?.signature.creationTime).toBeGreaterThan(createdAt);
  expect(await stage.plan(config)).toMatchObject({ changes: [], conflicts: [] });
});

test("another user id makes another certificate of the same fingerprint", async () => {
  await stage.apply(config);
  const before = fingerprint();
  const renamed = administrator("admin") + signing({ ...mapping, userId: "New Name <new@example.org>" });
  expect(await stage.apply(renamed)).toMatchObject([
    { kind: "make-certificate", why: "its user id is another" },
    { kind: "keep-backup" },
  ]);
  expect(fingerprint()).toBe(before);
  expect(certificate().userIds.map(({ text }) => text)).toEqual(["New Name <new@example.org>"]);
});

test("a file that is lost comes back from the device, one that the device lacks is stored there", async () => {
  await stage.apply(config);
  const before = readFileSync(certificateFile());
  rmSync(certificateFile());
  expect(await stage.apply(config)).toMatchObject([{ kind: "write-certificate" }]);
  expect(readFileSync(certificateFile())).toEqual(before);

  const credentials = readFileSync(join(stage.root, "var/lib/signstar/creds/admin-credentials.toml"), "utf8");
  const user = ["admin", /name = "admin"\npassphrase = "([^"]+)"/.exec(credentials)?.[1] ?? ""] as const;
  expect((await stage.hsm.request("DELETE", "/keys/key1/cert", { user })).status).toBe(204);
  expect(await stage.apply(config)).toMatchObject([{ kind: "store-certificate" }, { kind: "keep-backup" }]);
  expect(await stage.plan(config)).toMatchObject({ changes: [], conflicts: [] });
});

test("a device that shows another certificate once it was judged gets nothing onto this host", async () => {
  await stage.apply(config);
  rmSync(certificateFile());
  const other = await setUp();
  onTestFinished(() => other.close());
  await other.apply(config);
  const foreign = readFileSync(join(other.root, "var/lib/signstar/certificates/key1.pgp"));
  let asked = 0;
  const lie = (name: string, call: () => Promise<unknown>) => {
    if (name === "keys.getCertificate") asked += 1;
    return asked === 2 && name === "keys.getCertificate" ? Promise.resolve(new Uint8Array(foreign)) : call();
  };
  const through = (device: Device) => intercepted(device, lie);
  const lied = await setUp({ root: stage.root, through, device: stage.hsm });
  await expect(lied.apply(config)).rejects.toMatchObject({ code: "conflict" });
  expect(asked).toBe(2);
  expect(existsSync(certificateFile())).toBe(false);
  await stage.apply(config);
  expect(await stage.plan(config)).toMatchObject({ changes: [], conflicts: [] });
});

test("a certificate of another key is in the way, on this host and on a new device", async () => {
  await stage.apply(config);
  const foreign = readFileSync(certificateFile());
  const other = await setUp();
  try {
    await other.apply(config);
    writeFileSync(join(other.root, "var/lib/signstar/certificates/key1.pgp"), foreign);
    expect((await other.plan(config)).conflicts).toEqual([
      expect.stringContaining("certificate of key key1 on this host"),
    ]);
  } finally {
    await other.close();
  }
  const fresh = await setUp({ root: stage.root });
  try {
    expect((await fresh.plan(config)).conflicts).toEqual([expect.stringContaining("restore a backup")]);
    await expect(fresh.apply(config)).rejects.toMatchObject({ code: "conflict", exit: 78 });
    expect((await fresh.hsm.request("GET", "/health/state")).json()).toEqual({ state: "Unprovisioned" });
  } finally {
    await fresh.close();
  }
});
