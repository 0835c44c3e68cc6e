import { OpenPgpError } from "@signstar/openpgp/error";
import { vector } from "@signstar/openpgp/testing/vector";
import { toHex } from "@signstar/primitives/bytes";
import { describe, expect, test } from "vitest";
import { materialOf } from "./key-material.ts";
import { makeCertificate } from "./make-certificate.ts";
import { nethsmSigner, type RawSigner } from "./raw-signer.ts";
import { makeTestKeys } from "./testing/in-process-keys.ts";
import { keyId, keyTime } from "./testing/setup.ts";
import { requireUsable } from "./trust.ts";

const keys = makeTestKeys("Curve25519", vector.seed);
const signer = nethsmSigner(keys, keyId, materialOf(keys.publicKey));
const input = { signer, userId: "Test <test@example.org>", creationTime: keyTime };

describe("making a certificate", () => {
  test("the same key and time give the same fingerprint, and with the same user id the same bytes", async () => {
    const { bytes, certificate } = await makeCertificate(input);
    expect(toHex(certificate.key.fingerprint)).toBe(vector.fingerprint);
    expect((await makeCertificate(input)).bytes).toEqual(bytes);
    await requireUsable(certificate, keyTime);
  });

  test("a later self-signature leaves the fingerprint, one before the key is refused", async () => {
    const { certificate } = await makeCertificate({ ...input, signedAt: keyTime + 1000 });
    expect(toHex(certificate.key.fingerprint)).toBe(vector.fingerprint);
    const [signature] = certificate.userIds.flatMap(({ certifications }) => certifications);
    expect(signature?.signature.creationTime).toBe(keyTime + 1000);
    await requireUsable(certificate, keyTime + 1000);
    await expect(makeCertificate({ ...input, signedAt: keyTime - 1 })).rejects.toThrow(OpenPgpError);
  });

  test("an answer that does not verify makes none", async () => {
    const lying: RawSigner = { ...signer, sign: () => Promise.resolve(new Uint8Array(64).fill(1)) };
    await expect(makeCertificate({ ...input, signer: lying })).rejects.toMatchObject({
      code: "bad-signature",
      exit: 76,
    });
  });

  test("nothing is asked of the HSM for a user id that cannot be", async () => {
    const calls = keys.calls.length;
    await expect(makeCertificate({ ...input, userId: "a\nb" })).rejects.toThrow(OpenPgpError);
    expect(keys.calls.length).toBe(calls);
  });
});
