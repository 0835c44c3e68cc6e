import { createHash } from "node:crypto";
import { concat, fromHex, toHex, u32be } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenPgpError } from "./error.ts";
import { SignatureType } from "./framing.ts";
import { makePublicKey } from "./public-key.ts";
import { parseSignature, prepareDetachedSignature } from "./signature.ts";
import { binaryNotation, type Subpacket, SubpacketType, subpacket } from "./subpacket.ts";
import { keyKinds, makeTestKey, RecordingHasher, signPacket } from "./testing/keys.ts";
import { signData, someData } from "./testing/signing.ts";
import { vector } from "./testing/vector.ts";

const sha512 = (bytes: Uint8Array) => new Uint8Array(createHash("sha512").update(bytes).digest());
const point = fromHex("c561fa9f643fe5c60113cce9db282fde2b9e5ca5fc6b6fc0d1679bb339c9f72f");
const knownKey = makePublicKey({ algorithm: "EdDSALegacy", point }, vector.keyCreationTime);

function seen(data: Uint8Array): RecordingHasher {
  const hasher = new RecordingHasher();
  hasher.update(data);
  return hasher;
}

describe("the known signature", () => {
  const unfinished = prepareDetachedSignature({
    key: knownKey,
    creationTime: vector.signatureTime,
    dataDigest: sha512(vector.data),
    hasher: seen(vector.data),
  });

  test("has the known digest", () => {
    expect(toHex(unfinished.digest)).toBe(vector.digest);
  });

  test("is the known packet, bit for bit", () => {
    const [r, s] = [vector.raw.subarray(0, 32), vector.raw.subarray(32)];
    expect(toHex(unfinished.finish({ algorithm: "EdDSALegacy", r, s }))).toBe(toHex(vector.packet));
  });

  test("is read back", () => {
    const signature = parseSignature(vector.packet);
    expect(signature).toMatchObject({
      type: SignatureType.binary,
      algorithm: "EdDSALegacy",
      hash: "sha512",
      creationTime: vector.signatureTime,
      issuerFingerprint: knownKey.fingerprint,
      issuerKeyId: knownKey.keyId,
      dataDigest: sha512(vector.data),
      left16: fromHex("6b0e"),
      hasUnknownCritical: false,
      raw: { r: vector.raw.subarray(0, 32), s: vector.raw.subarray(32) },
    });
    expect(toHex(signature.digestWith(seen(vector.data)))).toBe(vector.digest);
  });

  test("does not take the numbers of another algorithm, or a digest that is none", () => {
    expect(() => unfinished.finish({ algorithm: "RSA", s: vector.raw })).toThrow(OpenPgpError);
    const input = { key: knownKey, creationTime: 0, hasher: seen(vector.data) };
    expect(() => prepareDetachedSignature({ ...input, dataDigest: new Uint8Array(32) })).toThrow(OpenPgpError);
  });
});

describe("detached signatures", () => {
  test.each(keyKinds)("%s: parsing gives back what was signed", (kind) => {
    const testKey = makeTestKey(kind, 0);
    const signature = parseSignature(signData(testKey, someData, 1));
    expect(signature.creationTime).toBe(1);
    expect(signature.dataDigest).toEqual(sha512(someData));
    expect(signature.issuerFingerprint).toEqual(testKey.key.fingerprint);
    const digest = signature.digestWith(seen(someData));
    expect(digest.subarray(0, 2)).toEqual(signature.left16);
  });

  test("any creation time of 32 bits, any data", () => {
    const testKey = makeTestKey("Ed25519", 0);
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.uint8Array(), (time, data) => {
        const signature = parseSignature(signData(testKey, data, time));
        expect(signature.creationTime).toBe(time);
        expect(signature.dataDigest).toEqual(sha512(data));
        expect(signature.digestWith(seen(data)).subarray(0, 2)).toEqual(signature.left16);
      }),
      { numRuns: 30 },
    );
  });

  test("damaged ones throw nothing but the room's failure", () => {
    const packets = (["Ed25519", "P-256", "RSA-2048"] as const).map((kind) =>
      signData(makeTestKey(kind, 0), someData, 1),
    );
    fc.assert(
      fc.property(fc.constantFrom(...packets), fc.nat(), fc.uint8Array({ maxLength: 4 }), (packet, at, patch) => {
        const cut = at % packet.length;
        const damaged = concat(packet.subarray(0, cut), patch, packet.subarray(cut + 1));
        try {
          parseSignature(damaged);
        } catch (error) {
          if (!(error instanceof OpenPgpError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("reading signatures", () => {
  const testKey = makeTestKey("Ed25519", 0);
  const created = subpacket(SubpacketType.creationTime, u32be(7));
  const digest = binaryNotation("data-digest@archlinux.org", new Uint8Array(64));
  const make = (hashed: readonly Subpacket[], unhashed: readonly Subpacket[] = []) =>
    signPacket(testKey, { type: 0, covered: someData, hashed, unhashed });

  test("an unsigned creation time or data digest counts for nothing", () => {
    expect(() => parseSignature(make([], [created]))).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(parseSignature(make([created], [digest])).dataDigest).toBeUndefined();
  });

  test("a critical subpacket that we do not know is seen", () => {
    const unknown = { type: 99, critical: true, body: new Uint8Array(1) };
    expect(parseSignature(make([created, unknown])).hasUnknownCritical).toBe(true);
    expect(parseSignature(make([created, { ...unknown, critical: false }])).hasUnknownCritical).toBe(false);
  });

  test.each<[string, Uint8Array, string]>([
    ["two data digests", make([created, digest, digest]), "malformed"],
    ["a short data digest", make([created, binaryNotation("data-digest@archlinux.org", u32be(1))]), "malformed"],
    ["a creation time of 3 bytes", make([subpacket(2, new Uint8Array(3))]), "malformed"],
    ["a fingerprint of 19 bytes", make([created, subpacket(33, new Uint8Array(20).fill(4))]), "malformed"],
    ["a fingerprint of version 6", make([created, subpacket(33, new Uint8Array(33).fill(6))]), "unsupported"],
    ["version 3", vector.packet.with(3, 3), "unsupported"],
    ["DSA", vector.packet.with(5, 17), "unsupported"],
    ["MD5", vector.packet.with(6, 1), "unsupported"],
    ["a public key", vector.certificate.subarray(0, 53), "malformed"],
    ["two packets", concat(vector.packet, vector.packet), "malformed"],
    ["a byte after it", concat(vector.packet, Uint8Array.of(0)), "malformed"],
    ["nothing", new Uint8Array(0), "malformed"],
  ])("refused: %s", (_, packet, code) => {
    expect(() => parseSignature(packet)).toThrow(expect.objectContaining({ code }));
  });

  test("later changes to the caller's bytes do not reach it", () => {
    const packet = new Uint8Array(vector.packet);
    const signature = parseSignature(packet);
    packet.fill(0);
    expect(toHex(signature.left16)).toBe("6b0e");
  });
});
