import { createHash } from "node:crypto";
import type { Hasher, HashName } from "@signstar/openpgp/signature";

/** A hash from its beginning; those that go on from a client's state come from `hash-state`. */
export function freshHasher(name: HashName): Hasher {
  const hash = createHash(name);
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => new Uint8Array(hash.digest()),
  };
}
