import * as openpgp from "openpgp";
import { describe, expect, test } from "vitest";
import { armor } from "./armor.ts";
import { parseSignature, type RawSignature } from "./signature.ts";
import { keyKinds, makeTestKey, type TestKey } from "./testing/keys.ts";
import { certify, signData, someData } from "./testing/signing.ts";
import { type Signed, verifiers, verifyWith } from "./testing/tools.ts";
import { vector } from "./testing/vector.ts";

const keyTime = 0x67000000;
const signatureTime = 0x67c5ad56;

describe.each(keyKinds)("%s", (kind) => {
  const testKey = makeTestKey(kind, keyTime);
  const certificate = certify(testKey).bytes;
  const signed: Signed = { certificate, signature: signData(testKey, someData, signatureTime), data: someData };

  test("gpg, sqv, sq, sqop and openpgp.js accept certificate and signature without a warning", async () => {
    await expectAccepted(signed);
  });

  test("the same programs refuse other data", async () => {
    const forged = { ...signed, data: someData.with(0, 0x49 ^ 1) };
    for (const verifier of verifiers) expect((await verifyWith(verifier, forged)).accepted, verifier).toBe(false);
    expect(await acceptedByOpenpgpJs(forged)).toBe(false);
  });
});

describe("packets of every length", () => {
  test.each([
    [0, "Ed25519"],
    [1, "RSA-2048"],
    [2, "Ed25519"],
  ] as const)("armored, length %i modulo 3, %s", async (remainder, kind) => {
    const testKey = makeTestKey(kind, keyTime);
    const signature = search(
      (time) => signData(testKey, someData, time),
      (packet) => packet.length % 3 === remainder,
    );
    const certificate = armor("PGP PUBLIC KEY BLOCK", certify(testKey).bytes);
    await expectAccepted({ certificate, signature: armor("PGP SIGNATURE", signature), data: someData });
  });

  test.each(keyKinds)("%s with a number that is a byte or more shorter than usual", async (kind) => {
    const testKey = makeTestKey(kind, keyTime);
    const signature = search(
      (time) => signData(testKey, someData, time),
      (packet) => isShort(testKey, packet),
    );
    await expectAccepted({ certificate: certify(testKey).bytes, signature, data: someData });
  });
});

test("the known signature and certificate are accepted", async () => {
  await expectAccepted({ certificate: vector.certificate, signature: vector.packet, data: vector.data });
});

async function expectAccepted(signed: Signed): Promise<void> {
  for (const verifier of verifiers) {
    const { accepted, output } = await verifyWith(verifier, signed);
    expect(accepted, `${verifier}: ${output}`).toBe(true);
    expect(output).not.toMatch(/warning|error/i);
  }
  expect(await acceptedByOpenpgpJs(signed)).toBe(true);
}

async function acceptedByOpenpgpJs({ certificate, signature, data }: Signed): Promise<boolean> {
  const key =
    typeof certificate === "string"
      ? await openpgp.readKey({ armoredKey: certificate })
      : await openpgp.readKey({ binaryKey: certificate });
  const { signatures } = await openpgp.verify({
    message: await openpgp.createMessage({ binary: data }),
    signature:
      typeof signature === "string"
        ? await openpgp.readSignature({ armoredSignature: signature })
        : await openpgp.readSignature({ binarySignature: signature }),
    verificationKeys: key,
    date: new Date((signatureTime + 100_000) * 1000),
    config: { rejectCurves: new Set(), minRSABits: 2047 },
  });
  return await Promise.all(signatures.map(({ verified }) => verified)).then(
    (results) => results.length === 1 && results.every(Boolean),
    () => false,
  );
}

/** The first signature, by creation time, that is as wanted; one in a hundred or so is. */
function search(make: (time: number) => Uint8Array, isWanted: (packet: Uint8Array) => boolean): Uint8Array {
  for (let time = signatureTime; time < signatureTime + 20_000; time += 1) {
    const packet = make(time);
    if (isWanted(packet)) return packet;
  }
  throw new Error("no such signature found");
}

function isShort({ key }: TestKey, packet: Uint8Array): boolean {
  const { raw } = parseSignature(packet);
  return numbersOf(raw).some((number) => number.length < fullLength(key.material) || number[0] === 0);
}

function numbersOf(raw: RawSignature): readonly Uint8Array[] {
  return raw.algorithm === "RSA" ? [raw.s] : [raw.r, raw.s];
}

function fullLength(material: TestKey["key"]["material"]): number {
  if (material.algorithm === "RSA") return material.modulus.length;
  return material.algorithm === "ECDSA" ? (material.point.length - 1) / 2 : 32;
}
