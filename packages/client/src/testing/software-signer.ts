/** A signing server's key in software, for tests: honest signatures, and dishonest ones. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { finishSha512, resumeSha512 } from "@signstar/hash-state/resume";
import type { Sha512State } from "@signstar/hash-state/sha512-state";
import { armor } from "@signstar/openpgp/armor";
import { prepareCertificate } from "@signstar/openpgp/certificate";
import { makePublicKey, type PublicKey } from "@signstar/openpgp/public-key";
import { prepareDetachedSignature, type RawSignature } from "@signstar/openpgp/signature";
import { encodeSigningResponse } from "@signstar/signing-request/response";

/** 2024-10-14; a certificate and signatures of a fixed age make no difference to these tests. */
const keyTime = 1_728_913_277;

export const emptyState: Sha512State = {
  words: [
    0x6a09e667f3bcc908n,
    0xbb67ae8584caa73bn,
    0x3c6ef372fe94f82bn,
    0xa54ff53a5f1d36f1n,
    0x510e527fade682d1n,
    0x9b05688c2b3e6c1fn,
    0x1f83d9abfb41bd6bn,
    0x5be0cd19137e2179n,
  ],
  blocks: 0n,
  tail: new Uint8Array(0),
};

export class SoftwareSigner {
  readonly #privateKey: KeyObject;
  readonly #key: PublicKey;

  /** @param pem a PKCS #8 Ed25519 key; without it a new one is made */
  constructor(pem?: string) {
    this.#privateKey = pem === undefined ? generateKeyPairSync("ed25519").privateKey : createPrivateKey(pem);
    const jwk = createPublicKey(this.#privateKey).export({ format: "jwk" });
    const point = new Uint8Array(Buffer.from(String(jwk.x), "base64url"));
    this.#key = makePublicKey({ algorithm: "EdDSALegacy", point }, keyTime);
  }

  get pem(): string {
    return this.#privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  }

  /** Binary. */
  certificate(): Uint8Array {
    const hashed = resumeSha512(emptyState);
    const unfinished = prepareCertificate({
      key: this.#key,
      userId: "Test <test@signstar.example>",
      creationTime: keyTime,
      hashed,
    });
    return unfinished.finish(this.#raw(unfinished.digest));
  }

  /** The packet; `dataDigest` and `flipBit` are for lies. */
  packet(state: Sha512State, { dataDigest = finishSha512(state), flipBit = false } = {}): Uint8Array {
    const hasher = resumeSha512(state);
    const unfinished = prepareDetachedSignature({ key: this.#key, creationTime: keyTime + 1, dataDigest, hasher });
    const raw = this.#raw(unfinished.digest);
    if (flipBit) raw.r[0] = (raw.r[0] ?? 0) ^ 1;
    return unfinished.finish(raw);
  }

  response(state: Sha512State, lies: Parameters<SoftwareSigner["packet"]>[1] = {}): string {
    return encodeSigningResponse(armor("PGP SIGNATURE", this.packet(state, lies)));
  }

  #raw(digest: Uint8Array): RawSignature & { readonly algorithm: "EdDSALegacy" } {
    const both = new Uint8Array(sign(null, digest, this.#privateKey));
    return { algorithm: "EdDSALegacy", r: both.slice(0, 32), s: both.slice(32) };
  }
}
