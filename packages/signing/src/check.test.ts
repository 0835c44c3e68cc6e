import { readCertificate } from "@signstar/openpgp/certificate";
import { OpenPgpError } from "@signstar/openpgp/error";
import { vector } from "@signstar/openpgp/testing/vector";
import { concat, fromHex } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkDetached } from "./check.ts";
import { SigningError } from "./error.ts";
import { signState } from "./sign-state.ts";
import { keyTime, setUp, stateOf } from "./testing/setup.ts";

const certificate = readCertificate(vector.certificate);
const state = stateOf(vector.data);
const { packet } = vector;
/** Where in the packet: kind of signature, creation time, key id, fingerprint, the file's digest, a raw number. */
const at = { type: 4, time: 13, keyId: 18, fingerprint: 40, dataDigest: 90, left16: 149, raw: 160 };

describe("checking a detached signature", () => {
  test("the known one", async () => {
    expect((await checkDetached({ packet, certificate, state })).creationTime).toBe(vector.signatureTime);
  });

  test.each<[string, Uint8Array, string]>([
    ["a signature over text", flip(at.type), "check-kind"],
    ["another time", flip(at.time), "check-signature"],
    ["another key id", flip(at.keyId), "check-issuer"],
    ["another fingerprint", flip(at.fingerprint), "check-issuer"],
    ["another file's digest", flip(at.dataDigest), "check-data"],
    ["other first bytes of the digest", flip(at.left16), "check-signature"],
    ["another number", flip(at.raw), "check-signature"],
  ])("refused: %s", async (_, damaged, code) => {
    await expect(checkDetached({ packet: damaged, certificate, state })).rejects.toMatchObject({ code, exit: 76 });
  });

  test("refused: another file", async () => {
    const other = stateOf(fromHex("00"));
    await expect(checkDetached({ packet, certificate, state: other })).rejects.toMatchObject({ code: "check-data" });
  });

  test("refused: another certificate", async () => {
    const { certificate: other } = await setUp("Curve25519");
    await expect(checkDetached({ packet, certificate: other, state })).rejects.toMatchObject({ code: "check-issuer" });
  });

  test("the certificate must have been usable when the signature was made", async () => {
    const { certificate: own, signer } = await setUp("EC_P256");
    const { packet: signed } = await signState({ state, certificate: own, signer, now: keyTime });
    expect((await checkDetached({ packet: signed, certificate: own, state })).creationTime).toBe(keyTime);
    const { bytes } = own;
    const damaged = readCertificate(bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1));
    await expect(checkDetached({ packet: signed, certificate: damaged, state })).rejects.toMatchObject({
      code: "certificate-no-valid-self-signature",
    });
  });

  test("damaged ones are refused by one of two failures", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(packet.length - 1), fc.uint8Array({ maxLength: 3 }), async (cut, patch) => {
        const damaged = concat(packet.subarray(0, cut), patch, packet.subarray(cut + 1));
        fc.pre(Buffer.compare(damaged, packet) !== 0);
        const error: unknown = await checkDetached({ packet: damaged, certificate, state }).then(
          () => "accepted",
          (e) => e,
        );
        expect(error instanceof SigningError || error instanceof OpenPgpError).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

function flip(index: number): Uint8Array {
  return packet.with(index, (packet[index] ?? 0) ^ 1);
}
