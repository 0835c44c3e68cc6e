import { concat, u32be } from "@signstar/primitives/bytes";
import { describe, expect, test } from "vitest";
import { type Certificate, readCertificate } from "./certificate.ts";
import { SignatureType } from "./framing.ts";
import { hashedKey } from "./public-key.ts";
import { type Subpacket, SubpacketType, subpacket } from "./subpacket.ts";
import { makeTestKey, signPacket } from "./testing/keys.ts";
import { certify } from "./testing/signing.ts";
import { vector } from "./testing/vector.ts";
import { usability } from "./usability.ts";

const time = 0x67000000;
const day = 86_400;
const testKey = makeTestKey("Ed25519", time);
const plain = certify(testKey);
const all = () => true;

const at32 = (type: number, value: number) => subpacket(type, u32be(value));
const created = (when: number) => at32(SubpacketType.creationTime, when);
const flags = (value: number) => subpacket(SubpacketType.keyFlags, Uint8Array.of(value));
const reason = (code: number) => subpacket(SubpacketType.revocationReason, Uint8Array.of(code));

/** `certificate` with one more self-signature on its user id. */
function withBinding(certificate: Certificate, ...hashed: readonly Subpacket[]): Certificate {
  const covered = certificate.userIds[0]?.certifications[0]?.covered ?? new Uint8Array(0);
  const packet = signPacket(testKey, { type: SignatureType.positiveCertification, covered, hashed });
  return readCertificate(concat(certificate.bytes, packet));
}

/** `certificate` with a signature of the primary key about itself. */
function withKeySignature(type: number, ...hashed: readonly Subpacket[]): Certificate {
  const packet = signPacket(testKey, { type, covered: hashedKey(testKey.key.body), hashed });
  const keyLength = testKey.key.body.length + 2;
  return readCertificate(concat(plain.bytes.subarray(0, keyLength), packet, plain.bytes.subarray(keyLength)));
}

function reasonOf(certificate: Certificate, when: number, isValid: Parameters<typeof usability>[2] = all): string {
  const answer = usability(certificate, when, isValid);
  return answer.usable ? "usable" : answer.reason;
}

describe("usability", () => {
  test("a fresh certificate, and the known one, from their creation on", () => {
    expect(reasonOf(plain, time)).toBe("usable");
    expect(reasonOf(plain, 0xffff_ffff)).toBe("usable");
    expect(reasonOf(plain, time - 1)).toBe("created-in-future");
    expect(reasonOf(readCertificate(vector.certificate), vector.signatureTime)).toBe("usable");
  });

  test("without a self-signature that verifies", () => {
    expect(reasonOf(plain, time, () => false)).toBe("no-valid-self-signature");
    expect(reasonOf(certify(testKey, { creationTime: time + day }), time)).toBe("no-valid-self-signature");
    const userIdOnly = plain.bytes.subarray(0, testKey.key.body.length + 2 + 25);
    expect(reasonOf(readCertificate(userIdOnly), time)).toBe("no-valid-self-signature");
  });

  test("flags decide, and their absence has a reason of its own", () => {
    expect(reasonOf(certify(testKey, { flags: 2 }), time)).toBe("usable");
    expect(reasonOf(certify(testKey, { flags: 1 }), time)).toBe("not-for-signing");
    expect(reasonOf(certify(testKey, { flags: 0 }), time)).toBe("without-key-flags");
    expect(reasonOf(withBinding(plain, created(time + 1)), time + 1)).toBe("without-key-flags");
  });

  test("flags of the key itself stand in for those of a user id", () => {
    const certificate = withKeySignature(SignatureType.directKey, created(time), flags(2));
    expect(reasonOf(withBinding(certificate, created(time + 1)), time + 1)).toBe("usable");
  });

  test("the newest self-signature at that time counts", () => {
    const certificate = withBinding(plain, created(time + day), flags(1));
    expect(reasonOf(certificate, time + day - 1)).toBe("usable");
    expect(reasonOf(certificate, time + day)).toBe("not-for-signing");
    expect(reasonOf(certificate, time + day, ({ signature }) => signature.keyFlags === 3)).toBe("usable");
  });

  test("expiry counts from the key's creation", () => {
    const certificate = withBinding(plain, created(time + 1), flags(3), at32(SubpacketType.keyExpiration, day));
    expect(reasonOf(certificate, time + day - 1)).toBe("usable");
    expect(reasonOf(certificate, time + day)).toBe("expired");
    const never = withBinding(plain, created(time + 1), flags(3), at32(SubpacketType.keyExpiration, 0));
    expect(reasonOf(never, 0xffff_ffff)).toBe("usable");
  });

  test("a self-signature itself may expire", () => {
    const ends = at32(SubpacketType.signatureExpiration, day);
    const certificate = withBinding(plain, created(time + 1), flags(1), ends);
    expect(reasonOf(certificate, time + day)).toBe("not-for-signing");
    expect(reasonOf(certificate, time + day + 1)).toBe("usable");
  });

  test("a critical subpacket that we do not know voids its self-signature", () => {
    const unknown = { type: 99, critical: true, body: new Uint8Array(0) };
    expect(reasonOf(withBinding(plain, created(time + 1), flags(1), unknown), time + 1)).toBe("usable");
  });

  test.each([
    ["no reason", [], "revoked"],
    ["compromised", [reason(2)], "revoked"],
    ["superseded", [reason(1)], "usable"],
    ["retired", [reason(3)], "usable"],
  ])("revoked with %s: before the revocation %s", (_, hashed, before) => {
    const certificate = withKeySignature(SignatureType.keyRevocation, created(time + day), ...hashed);
    expect(reasonOf(certificate, time + day - 1)).toBe(before);
    expect(reasonOf(certificate, time + day)).toBe("revoked");
    expect(reasonOf(certificate, time + day, ({ signature }) => signature.type !== 0x20)).toBe("usable");
  });

  test("a revoked user id no longer speaks for the key, until it is certified again", () => {
    const covered = plain.userIds[0]?.certifications[0]?.covered ?? new Uint8Array(0);
    const type = SignatureType.certificationRevocation;
    const packet = signPacket(testKey, { type, covered, hashed: [created(time + day)] });
    const certificate = readCertificate(concat(plain.bytes, packet));
    expect(reasonOf(certificate, time + day - 1)).toBe("usable");
    expect(reasonOf(certificate, time + day)).toBe("no-valid-self-signature");
    const again = withBinding(certificate, created(time + 2 * day), flags(3));
    expect(reasonOf(again, time + 2 * day)).toBe("usable");
  });
});
