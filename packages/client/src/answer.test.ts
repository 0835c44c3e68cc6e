import { createHash } from "node:crypto";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HashedFile, hashFile } from "@signstar/hash-state/hash-file";
import { armor } from "@signstar/openpgp/armor";
import { readCertificate } from "@signstar/openpgp/certificate";
import { parseSignature } from "@signstar/openpgp/signature";
import { toUtf8 } from "@signstar/primitives/bytes";
import { encodeSigningResponse } from "@signstar/signing-request/response";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signatureIn } from "./answer.ts";
import { emptyState, SoftwareSigner } from "./testing/software-signer.ts";

const folder = mkdtempSync(join(tmpdir(), "answer-"));
afterAll(() => rmSync(folder, { recursive: true }));

const signer = new SoftwareSigner();
let file: HashedFile;
beforeAll(async () => {
  const path = join(folder, "file");
  writeFileSync(path, "x".repeat(1000));
  file = await hashFile(openSync(path, "r"));
});

function check(answer: string | Uint8Array, certificate?: Uint8Array): Promise<Uint8Array> {
  const bytes = typeof answer === "string" ? toUtf8(answer) : answer;
  return signatureIn(bytes, file, certificate && readCertificate(certificate));
}

describe("an honest answer", () => {
  test("gives the signature packet", async () => {
    expect(parseSignature(await check(signer.response(file.state))).dataDigest).toEqual(file.digest);
  });

  test("verifies with the key's certificate", async () => {
    await expect(check(signer.response(file.state), signer.certificate())).resolves.toBeInstanceOf(Uint8Array);
  });
});

describe("a lie is found out", () => {
  test.each([
    ["a signature of another file", () => signer.response(emptyState), "not-this-file"],
    [
      "the right digest in a signature of another file",
      () => signer.response(emptyState, { dataDigest: file.digest }),
      "not-this-file",
    ],
    [
      "another digest in a signature of this file",
      () => signer.response(file.state, { dataDigest: new Uint8Array(createHash("sha512").digest()) }),
      "not-this-file",
    ],
    ["not JSON", () => "Last login: never", "json-syntax"],
    ["nothing", () => "", "empty"],
    ["half an answer", () => signer.response(file.state).slice(0, 200), "json-syntax"],
    ["a bare signature", () => signer.packet(file.state), "not-utf8"],
    ["an answer and more", () => `${signer.response(file.state)}{}`, "json-trailing-data"],
    ["a certificate in place of the signature", () => wrong(signer.certificate()), "bad-answer"],
    [
      "two signatures",
      () => wrong(Buffer.concat([signer.packet(file.state), signer.packet(file.state)])),
      "bad-answer",
    ],
    ["a cut signature", () => wrong(signer.packet(file.state).subarray(0, -10)), "bad-answer"],
  ])("%s", async (_, answer, code) => {
    await expect(check(answer())).rejects.toMatchObject({ code, exit: 76 });
  });

  test("with a certificate: one flipped bit, and another key", async () => {
    const flipped = signer.response(file.state, { flipBit: true });
    await expect(check(flipped, signer.certificate())).rejects.toMatchObject({ code: "does-not-verify", exit: 76 });
    const other = new SoftwareSigner().response(file.state);
    await expect(check(other, signer.certificate())).rejects.toMatchObject({ code: "does-not-verify", exit: 76 });
  });

  test("a changed byte of the packet is refused, if only by the certificate", async () => {
    const packet = signer.packet(file.state);
    await fc.assert(
      fc.asyncProperty(fc.nat(packet.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = packet.slice();
        changed[at] = (changed[at] ?? 0) ^ mask;
        await expect(check(wrong(changed), signer.certificate())).rejects.toMatchObject({ exit: 76 });
      }),
      { numRuns: 200 },
    );
  });
});

function wrong(packet: Uint8Array): string {
  return encodeSigningResponse(armor("PGP SIGNATURE", packet));
}
