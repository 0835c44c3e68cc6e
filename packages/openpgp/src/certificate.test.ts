import { concat, fromHex, toHex, toUtf8, u32be } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { armor } from "./armor.ts";
import { prepareCertificate, readCertificate } from "./certificate.ts";
import { OpenPgpError } from "./error.ts";
import { SignatureType } from "./framing.ts";
import { encodePacket, PacketTag } from "./packet.ts";
import { SubpacketType, subpacket } from "./subpacket.ts";
import { keyKinds, makeTestKey, RecordingHasher, signPacket } from "./testing/keys.ts";
import { certify, someUserId } from "./testing/signing.ts";
import { vector } from "./testing/vector.ts";

const time = 0x67000000;
const testKey = makeTestKey("Ed25519", time);
const { bytes } = certify(testKey);
const [keyPacket, userIdPacket] = [encodePacket(6, testKey.key.body), encodePacket(13, toUtf8(someUserId))];
const selfSignature = bytes.subarray(keyPacket.length + userIdPacket.length);

describe("reading certificates", () => {
  test("the known certificate", () => {
    const certificate = readCertificate(vector.certificate);
    expect(toHex(certificate.key.fingerprint)).toBe(vector.fingerprint);
    expect(certificate.key.creationTime).toBe(vector.keyCreationTime);
    expect(certificate.userIds.map(({ text }) => text)).toEqual(["Test <test@example.org>"]);
    const [own, ...others] = certificate.userIds.flatMap(({ certifications }) => certifications);
    expect(others).toEqual([]);
    expect(own?.signature).toMatchObject({ type: 0x10, keyFlags: 3, creationTime: time, isPrimaryUserId: true });
  });

  test.each(keyKinds)("%s: what was made is read, binary and armored", (kind) => {
    const certificate = certify(makeTestKey(kind, time), { creationTime: time + 5 });
    expect(readCertificate(toUtf8(armor("PGP PUBLIC KEY BLOCK", certificate.bytes))).bytes).toEqual(certificate.bytes);
    const own = certificate.userIds[0]?.certifications[0];
    expect(own?.signature).toMatchObject({ type: 0x13, hash: "sha512", keyFlags: 3, creationTime: time + 5 });
    expect(own?.signature.keyExpiresAfter).toBeUndefined();
    const hasher = new RecordingHasher();
    hasher.update(own?.covered ?? new Uint8Array(0));
    expect(own?.signature.digestWith(hasher).subarray(0, 2)).toEqual(own?.signature.left16);
  });

  test("headers of the old format", () => {
    const old = concat(
      fromHex("9900"),
      Uint8Array.of(testKey.key.body.length),
      testKey.key.body,
      fromHex("b4"),
      Uint8Array.of(someUserId.length),
      toUtf8(someUserId),
      selfSignature,
    );
    expect(readCertificate(old).userIds[0]?.certifications).toHaveLength(1);
  });

  test("what the standard lets a reader skip is skipped, with the signatures that belong to it", () => {
    const more = concat(
      bytes,
      encodePacket(PacketTag.marker, toUtf8("PGP")),
      encodePacket(PacketTag.trust, new Uint8Array(2)),
      encodePacket(60, new Uint8Array(9)),
      encodePacket(PacketTag.userAttribute, new Uint8Array(9)),
      selfSignature,
      encodePacket(PacketTag.publicSubkey, makeTestKey("P-256", time).key.body),
      selfSignature,
    );
    const certificate = readCertificate(more);
    expect(certificate.userIds.flatMap(({ certifications }) => certifications)).toHaveLength(1);
    expect(certificate.bytes).toEqual(more);
  });

  test("signatures of others, and of kinds we cannot read, are not among its own", () => {
    const covered = new Uint8Array(0);
    const created = subpacket(SubpacketType.creationTime, u32be(time));
    const issuer = subpacket(SubpacketType.issuerKeyId, new Uint8Array(8));
    const type = SignatureType.genericCertification;
    const foreign = signPacket(makeTestKey("Ed25519", time), { type, covered, hashed: [created, issuer] });
    const otherKind = signPacket(makeTestKey("RSA-2048", time), { type, covered, hashed: [created] });
    const certificate = readCertificate(concat(bytes, foreign, otherKind, selfSignature.with(3, 3)));
    expect(certificate.userIds.flatMap(({ certifications }) => certifications)).toHaveLength(1);
  });

  test("a user id that is not UTF-8 is read for people", () => {
    const [userId] = readCertificate(concat(keyPacket, encodePacket(13, fromHex("41ff")), selfSignature)).userIds;
    expect(userId?.text).toBe("A\ufffd");
    expect(userId?.bytes).toEqual(fromHex("41ff"));
  });

  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "truncated"],
    ["a signature", vector.packet, "malformed"],
    ["two certificates", concat(bytes, bytes), "malformed"],
    ["an unknown critical packet", concat(bytes, encodePacket(39, new Uint8Array(1))), "malformed"],
    ["data inside", concat(bytes, encodePacket(11, new Uint8Array(9))), "malformed"],
    ["a secret key", encodePacket(PacketTag.secretKey, testKey.key.body), "secret-key"],
    ["a secret subkey", concat(bytes, encodePacket(PacketTag.secretSubkey, testKey.key.body)), "secret-key"],
    ["an armored signature", toUtf8(armor("PGP SIGNATURE", bytes)), "armor"],
    ["a damaged self-signature", concat(bytes.subarray(0, -1)), "truncated"],
    ["a megabyte and more", new Uint8Array(1024 * 1024 + 1), "too-large"],
    ["300 packets", concat(bytes, ...Array(300).fill(selfSignature)), "too-large"],
  ])("refused: %s", (_, input, code) => {
    expect(() => readCertificate(input)).toThrow(expect.objectContaining({ code }));
  });

  test("an armored secret key is called one", () => {
    const text = armor("PGP SIGNATURE", bytes).replaceAll("SIGNATURE", "PRIVATE KEY BLOCK");
    expect(() => readCertificate(toUtf8(text))).toThrow(expect.objectContaining({ code: "secret-key" }));
  });

  test("damaged ones throw nothing but the room's failure", () => {
    const armored = toUtf8(armor("PGP PUBLIC KEY BLOCK", bytes));
    fc.assert(
      fc.property(
        fc.constantFrom(bytes, vector.certificate, armored),
        fc.nat(),
        fc.uint8Array({ maxLength: 4 }),
        (whole, at, patch) => {
          const cut = at % whole.length;
          try {
            readCertificate(concat(whole.subarray(0, cut), patch, whole.subarray(cut + 1)));
          } catch (error) {
            if (!(error instanceof OpenPgpError)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("making certificates", () => {
  test.each(["", "a\nb", "a\u0085b", "\ud800", "a".repeat(1025)])("refused: user id %j", (userId) => {
    const input = { key: testKey.key, creationTime: time, hashed: new RecordingHasher() };
    expect(() => prepareCertificate({ ...input, userId })).toThrow(OpenPgpError);
  });

  test("refused: a self-signature that is older than its key", () => {
    expect(() => certify(testKey, { creationTime: time - 1 })).toThrow(OpenPgpError);
  });
});
