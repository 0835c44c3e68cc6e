import { createHash } from "node:crypto";
import { freshSha512, parseSha512State } from "@signstar/hash-state/sha512-state";
import { dearmor } from "@signstar/openpgp/armor";
import { readCertificate } from "@signstar/openpgp/certificate";
import { type Signed, verifiers, verifyWith } from "@signstar/openpgp/testing/tools";
import { vector } from "@signstar/openpgp/testing/vector";
import { toHex } from "@signstar/primitives/bytes";
import { describe, expect, test } from "vitest";
import { checkDetached } from "./check.ts";
import { materialOf } from "./key-material.ts";
import { nethsmSigner, type RawSigner } from "./raw-signer.ts";
import { signState } from "./sign-state.ts";
import { keyKinds, makeTestKeys } from "./testing/in-process-keys.ts";
import { keyId, now, setUp, sharedSetUp, stateOf } from "./testing/setup.ts";

const state = stateOf(vector.data);

describe("signing a state", () => {
  test("the known state, key, certificate and time give the known packet", async () => {
    const keys = makeTestKeys("Curve25519", vector.seed);
    const certificate = readCertificate(vector.certificate);
    const signer = nethsmSigner(keys, keyId, materialOf(keys.publicKey));
    const legacy = new Uint8Array(210);
    const words = new DataView(legacy.buffer);
    freshSha512.words.forEach((word, i) => {
      words.setBigUint64(8 * i, word, true);
    });
    legacy.set([64, vector.data.length, ...vector.data], 80);
    const signature = await signState({ state: parseSha512State(legacy).state, certificate, signer, now });
    expect(toHex(signature.packet)).toBe(toHex(vector.packet));
    expect(dearmor(signature.armored)).toEqual({ kind: "PGP SIGNATURE", bytes: vector.packet });
    expect(signature.dataDigest).toEqual(new Uint8Array(createHash("sha512").update(vector.data).digest()));
    expect(keys.calls.map(({ message }) => toHex(message))).toEqual([vector.digest]);
  });

  test.each(keyKinds)("%s: gpg, sqv, sq and sqop accept signature and certificate", async (kind) => {
    const { keys, signer, certificate } = await sharedSetUp(kind);
    const calls = keys.calls.length;
    const { armored, packet } = await signState({ state, certificate, signer, now });
    expect(keys.calls.length).toBe(calls + 1);
    const signed: Signed = { certificate: certificate.bytes, signature: armored, data: vector.data };
    for (const verifier of verifiers) {
      const { accepted, output } = await verifyWith(verifier, signed);
      expect(accepted, `${verifier}: ${output}`).toBe(true);
      expect(output).not.toMatch(/warning|error/i);
    }
    expect((await checkDetached({ packet, certificate, state })).creationTime).toBe(now);
  });

  test.each(keyKinds)("%s: an answer with one bit flipped never leaves", async (kind) => {
    const { keys, signer, certificate } = await sharedSetUp(kind);
    const flipped: RawSigner = {
      ...signer,
      async sign(digest) {
        const answer = new Uint8Array(await signer.sign(digest));
        return answer.with(-1, (answer.at(-1) ?? 0) ^ 1);
      },
    };
    const calls = keys.calls.length;
    await expect(signState({ state, certificate, signer: flipped, now })).rejects.toMatchObject({
      code: "bad-signature",
      exit: 76,
    });
    expect(keys.calls.length).toBe(calls + 1);
  });

  test.each(keyKinds)("%s: any bit of the answer", async (kind) => {
    const { signer, certificate } = await sharedSetUp(kind);
    const length = (await signer.sign(new Uint8Array(64))).length;
    for (const bit of [0, 9, 17, length * 4, length * 8 - 1]) {
      const flipped: RawSigner = {
        key: signer.key,
        async sign(digest) {
          const answer = new Uint8Array(await signer.sign(digest));
          const at = Math.min(bit >> 3, answer.length - 1);
          return answer.with(at, (answer[at] ?? 0) ^ (0x80 >>> (bit & 7)));
        },
      };
      await expect(signState({ state, certificate, signer: flipped, now })).rejects.toMatchObject({ exit: 76 });
    }
  });

  test.each(keyKinds)("%s: a device that holds another key is told apart", async (kind) => {
    const { signer, certificate } = await sharedSetUp(kind);
    for (const otherKind of [kind, "Curve25519", "RSA-2048"] as const) {
      const other = makeTestKeys(otherKind);
      const answer = await nethsmSigner(other, keyId, materialOf(other.publicKey)).sign(new Uint8Array(64));
      const keys = { sign: () => Promise.resolve(answer), get: other.get };
      const wrong = nethsmSigner(keys, keyId, signer.key);
      await expect(signState({ state, certificate, signer: wrong, now })).rejects.toMatchObject({
        code: "other-key",
        exit: 76,
      });
    }
  });

  test("a device that does not tell its key gave a bad signature", async () => {
    const { signer, certificate } = await setUp("Curve25519");
    const other = makeTestKeys("Curve25519");
    for (const keys of [{ sign: other.sign }, { sign: other.sign, get: () => Promise.reject(new Error("gone")) }]) {
      const wrong = nethsmSigner(keys, keyId, signer.key);
      await expect(signState({ state, certificate, signer: wrong, now })).rejects.toMatchObject({
        code: "bad-signature",
      });
    }
  });

  test("a device whose key is of a kind that OpenPGP does not know holds another key", async () => {
    const { signer, certificate } = await setUp("Curve25519");
    const keys = {
      sign: makeTestKeys("Curve25519").sign,
      get: () => Promise.resolve({ publicKey: { type: "EC_P256K1", data: new Uint8Array(65) } as const }),
    };
    const wrong = nethsmSigner(keys, keyId, signer.key);
    await expect(signState({ state, certificate, signer: wrong, now })).rejects.toMatchObject({ code: "other-key" });
  });

  test("nothing is asked of the HSM for another key's certificate, or one that may not sign", async () => {
    const { keys, signer, certificate } = await setUp("Curve25519");
    const calls = keys.calls.length;
    const { certificate: foreign } = await setUp("Curve25519");
    await expect(signState({ state, certificate: foreign, signer, now })).rejects.toMatchObject({ code: "other-key" });
    await expect(
      signState({ state, certificate, signer, now: certificate.key.creationTime - 1 }),
    ).rejects.toMatchObject({
      code: "certificate-created-in-future",
      exit: 78,
    });
    expect(keys.calls.length).toBe(calls);
  });

  test("what the HSM's client throws passes through", async () => {
    const { signer, certificate } = await setUp("Curve25519");
    const error = new Error("connection reset");
    const gone: RawSigner = { ...signer, sign: () => Promise.reject(error) };
    await expect(signState({ state, certificate, signer: gone, now })).rejects.toBe(error);
  });
});
