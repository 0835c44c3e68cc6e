import { sameMaterial } from "@signstar/openpgp/public-key";
import type { RawSignature } from "@signstar/openpgp/signature";
import { SigningError } from "./error.ts";
import { type RawSigner, readAnswer } from "./raw-signer.ts";
import { verifyRaw } from "./verify.ts";

/**
 * One call of the HSM, and a signature that verifies. Otherwise SigningError: `other-key` if the device can be asked
 * and holds another key, `bad-answer` or `bad-signature` (all 76). Errors of the call itself pass through.
 */
export async function signDigest(signer: RawSigner, digest: Uint8Array): Promise<RawSignature> {
  const answer = await signer.sign(digest);
  try {
    const raw = readAnswer(signer.key, answer);
    if (await verifyRaw(signer.key, digest, raw)) return raw;
    throw new SigningError("bad-signature", "the HSM answered with a signature that does not verify");
  } catch (error) {
    if (error instanceof SigningError && (await holdsOtherKey(signer))) {
      throw new SigningError("other-key", "the device holds another key under this id", {
        cause: error,
        hint: "check that every device holds the same keys",
      });
    }
    throw error;
  }
}

async function holdsOtherKey(signer: RawSigner): Promise<boolean> {
  try {
    const held = await signer.deviceKey?.();
    return held !== undefined && !sameMaterial(held, signer.key);
  } catch (error) {
    // A kind that cannot sign OpenPGP is another key, too. If the device does not say, the first error stands.
    return error instanceof SigningError;
  }
}
