import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { prepareCertificate, readCertificate } from "@signstar/openpgp/certificate";
import { makePublicKey } from "@signstar/openpgp/public-key";
import { vector } from "@signstar/openpgp/testing/vector";
import { toHex } from "@signstar/primitives/bytes";
import { describe, expect, test } from "vitest";
import { freshHasher } from "./hasher.ts";
import { materialOf } from "./key-material.ts";
import { nethsmSigner, readAnswer } from "./raw-signer.ts";
import { keyKinds, makeTestKeys } from "./testing/in-process-keys.ts";
import { keyId, keyTime, now, setUp, sharedSetUp } from "./testing/setup.ts";
import { requireCertificateOf, requireUsable } from "./trust.ts";

const exec = promisify(execFile);

describe("is this the certificate of this key", () => {
  test("the known certificate, made by another program", async () => {
    const certificate = readCertificate(vector.certificate);
    const { publicKey } = makeTestKeys("Curve25519", vector.seed);
    const pinnedFingerprint = vector.fingerprint.toUpperCase();
    await requireCertificateOf({ certificate, material: materialOf(publicKey), at: now, pinnedFingerprint });
  });

  test.each(keyKinds)("%s: its own, and no other", async (kind) => {
    const { certificate, signer } = await sharedSetUp(kind);
    await requireCertificateOf({ certificate, material: signer.key, at: now });
    const material = materialOf(makeTestKeys(kind).publicKey);
    await expect(requireCertificateOf({ certificate, material, at: now })).rejects.toMatchObject({ code: "other-key" });
  });

  test("not the pinned one", async () => {
    const { certificate, signer } = await setUp("Curve25519");
    const input = { certificate, material: signer.key, at: now, pinnedFingerprint: vector.fingerprint };
    await expect(requireCertificateOf(input)).rejects.toMatchObject({ code: "pinned-fingerprint", exit: 78 });
    for (const pinnedFingerprint of ["", toHex(certificate.key.keyId)]) {
      await expect(requireCertificateOf({ ...input, pinnedFingerprint })).rejects.toMatchObject({
        code: "pinned-fingerprint",
      });
    }
  });

  test.each(keyKinds)("%s: a damaged self-signature counts for nothing", async (kind) => {
    const { certificate } = await sharedSetUp(kind);
    const { bytes } = certificate;
    const damaged = readCertificate(bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1));
    await expect(requireUsable(damaged, now)).rejects.toMatchObject({ code: "certificate-no-valid-self-signature" });
    await requireUsable(certificate, now);
  });

  test.each([
    [0, "certificate-without-key-flags"],
    [1, "certificate-not-for-signing"],
  ])("key flags %i: %s", async (flags, code) => {
    const keys = makeTestKeys("Curve25519");
    const material = materialOf(keys.publicKey);
    const key = makePublicKey(material, keyTime);
    const input = { key, userId: "Test", creationTime: keyTime, hashed: freshHasher("sha512"), flags };
    const unfinished = prepareCertificate(input);
    const answer = await nethsmSigner(keys, keyId, material).sign(unfinished.digest);
    const certificate = readCertificate(unfinished.finish(readAnswer(material, answer)));
    await expect(requireUsable(certificate, now)).rejects.toMatchObject({ code, exit: 78 });
  });
});

describe("certificates by other programs", () => {
  const later = 0xf000_0000;

  test("sqop: the primary key only certifies, and its signing subkey is not used", async () => {
    const { stdout } = await exec("sh", ["-c", "sqop generate-key 'Test <test@example.org>' | sqop extract-cert"]);
    const certificate = readCertificate(new TextEncoder().encode(stdout));
    await expect(requireUsable(certificate, Math.floor(Date.now() / 1000) + 60)).rejects.toMatchObject({
      code: "certificate-not-for-signing",
    });
  });

  test.each(["ed25519", "nistp256", "rsa2048"])("gpg, %s: usable, then expired or revoked", async (algorithm) => {
    const script = [
      "set -e; export GNUPGHOME=$(mktemp -d); trap 'gpgconf --kill all; rm -rf \"$GNUPGHOME\"' EXIT",
      "g='gpg --batch --no-tty --quiet --pinentry-mode loopback'",
      `$g --passphrase '' --quick-generate-key 'Test <test@example.org>' ${algorithm} sign 1y 2>/dev/null`,
      "$g --export | base64 -w0; echo",
      "sed 's/^:---/---/' \"$GNUPGHOME\"/openpgp-revocs.d/*.rev | $g --import 2>/dev/null",
      "$g --export | base64 -w0; echo",
    ].join("\n");
    const [usable, revoked] = (await exec("sh", ["-c", script])).stdout
      .trim()
      .split("\n")
      .map((line) => readCertificate(new Uint8Array(Buffer.from(line, "base64"))));
    if (usable === undefined || revoked === undefined) throw new Error("gpg printed nothing");
    const at = usable.key.creationTime + 60;
    await requireUsable(usable, at);
    await expect(requireUsable(usable, later)).rejects.toMatchObject({ code: "certificate-expired" });
    expect(revoked.revocations).toHaveLength(1);
    await expect(requireUsable(revoked, at)).rejects.toMatchObject({ code: "certificate-revoked" });
  });
});
