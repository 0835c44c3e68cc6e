import { createHmac } from "node:crypto";
import { Secret } from "@signstar/primitives/secret";

type Crypto = typeof import("../crypto.ts");

/**
 * In place of scrypt, which takes half a second with the parameters of a device and is met in other tests; for
 * `vi.mock`, and so for the software NetHSM and for whoever opens its backups alike.
 */
export async function cheapKdf(original: () => Promise<Crypto>): Promise<Crypto> {
  return {
    ...(await original()),
    deriveKey: async (passphrase, salt) =>
      passphrase.use((bytes) => Secret.take(new Uint8Array(createHmac("sha256", salt).update(bytes).digest()))),
  };
}
