/** Certificates and signatures made with test keys. */
import { createHash } from "node:crypto";
import { toUtf8 } from "@signstar/primitives/bytes";
import { type Certificate, prepareCertificate, readCertificate } from "../certificate.ts";
import { prepareDetachedSignature } from "../signature.ts";
import { RecordingHasher, type TestKey } from "./keys.ts";

export const someData = toUtf8("I like strawberries\n");
export const someUserId = "Test <test@example.org>";

export function certify(testKey: TestKey, options: { flags?: number; creationTime?: number } = {}): Certificate {
  const hashed = new RecordingHasher();
  const { flags, creationTime = testKey.key.creationTime } = options;
  const unfinished = prepareCertificate({
    key: testKey.key,
    userId: someUserId,
    creationTime,
    hashed,
    ...(flags === undefined ? {} : { flags }),
  });
  return readCertificate(unfinished.finish(testKey.sign(hashed.seen)));
}

/** A detached signature packet over `data`. */
export function signData(testKey: TestKey, data: Uint8Array, creationTime: number): Uint8Array {
  const hasher = new RecordingHasher();
  hasher.update(data);
  const dataDigest = new Uint8Array(createHash("sha512").update(data).digest());
  const unfinished = prepareDetachedSignature({ key: testKey.key, creationTime, dataDigest, hasher });
  return unfinished.finish(testKey.sign(hasher.seen));
}
