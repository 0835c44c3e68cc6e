import { freshSha512, type Sha512State } from "@signstar/hash-state/sha512-state";
import { parseKeyId } from "@signstar/nethsm/ids";
import type { Certificate } from "@signstar/openpgp/certificate";
import { materialOf } from "../key-material.ts";
import { makeCertificate } from "../make-certificate.ts";
import { nethsmSigner, type RawSigner } from "../raw-signer.ts";
import { type KeyKind, makeTestKeys, type TestKeys } from "./in-process-keys.ts";

export const keyTime = 0x67000000;
export const now = 0x67c5ad56;
export const keyId = parseKeyId("key1");

export interface Setup {
  readonly keys: TestKeys;
  readonly signer: RawSigner;
  readonly certificate: Certificate;
}

/** One for each kind of key in a test file: large RSA keys take a second to make. */
export async function sharedSetUp(kind: KeyKind): Promise<Setup> {
  const shared = known.get(kind) ?? setUp(kind);
  known.set(kind, shared);
  return await shared;
}

const known = new Map<KeyKind, Promise<Setup>>();

/** A key, its signer and its certificate. */
export async function setUp(kind: KeyKind): Promise<Setup> {
  const keys = makeTestKeys(kind);
  const signer = nethsmSigner(keys, keyId, materialOf(keys.publicKey));
  const made = await makeCertificate({ signer, userId: "Test <test@example.org>", creationTime: keyTime });
  return { keys, signer, certificate: made.certificate };
}

/** The state after fewer than 128 bytes: they all wait in the tail. */
export function stateOf(data: Uint8Array): Sha512State {
  return { ...freshSha512, tail: data };
}
