/** A server's answer is believed only as far as it can be checked against the file. */
import type { HashedFile } from "@signstar/hash-state/hash-file";
import type { Sha512State } from "@signstar/hash-state/sha512-state";
import { dearmor } from "@signstar/openpgp/armor";
import type { Certificate } from "@signstar/openpgp/certificate";
import { parseSignature, SignatureType } from "@signstar/openpgp/signature";
import { equal } from "@signstar/primitives/bytes";
import { Failure } from "@signstar/primitives/failure";
import { parseSigningResponse } from "@signstar/signing-request/response";
import { ClientError } from "./errors.ts";

/** The signature packet of a response, after the checks of `checkSignature`. Throws ClientError or RequestError, exit 76. */
export async function signatureIn(
  answer: Uint8Array,
  hashed: HashedFile,
  certificate: Certificate | undefined,
): Promise<Uint8Array> {
  return await signatureOf(parseSigningResponse(answer).signature, hashed, certificate);
}

/** The same for a signature that has been taken out of its response. */
export async function signatureOf(
  armored: string,
  hashed: HashedFile,
  certificate: Certificate | undefined,
): Promise<Uint8Array> {
  const packet = readable(() => dearmor(armored).bytes);
  await checkSignature(packet, hashed, certificate);
  return packet;
}

/**
 * The packet is one v4 signature of a binary document over SHA-512; its data digest is the file's; its left 16 bits are
 * those of the digest that the file's state gives with the signature's own hashed part; and, if there is a
 * certificate, the certificate's key made it. Throws ClientError, exit 76.
 */
export async function checkSignature(
  packet: Uint8Array,
  hashed: HashedFile,
  certificate: Certificate | undefined,
): Promise<void> {
  const signature = readable(() => parseSignature(packet));
  if (signature.type !== SignatureType.binary || signature.hash !== "sha512" || signature.hasUnknownCritical) {
    throw new ClientError("bad-answer", "the signature is not one of a file over SHA-512");
  }
  if (signature.dataDigest === undefined || !equal(signature.dataDigest, hashed.digest)) {
    throw new ClientError("not-this-file", "the signature is for another file", { hint: doNotTrust });
  }
  const { resumeSha512 } = await import("@signstar/hash-state/resume");
  const digest = signature.digestWith(resumeSha512(hashed.state));
  if (!equal(digest.subarray(0, 2), signature.left16)) {
    throw new ClientError("not-this-file", "the signature does not fit the file's hash", { hint: doNotTrust });
  }
  if (certificate !== undefined) await requireVerified(packet, certificate, hashed.state);
}

const doNotTrust = "do not trust this server before its operator has explained it";

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw new ClientError("bad-answer", `the signature cannot be read: ${cause.message}`, { cause });
  }
}

async function requireVerified(packet: Uint8Array, certificate: Certificate, state: Sha512State): Promise<void> {
  const { checkDetached } = await import("@signstar/signing/check");
  try {
    await checkDetached({ packet, certificate, state });
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    const message = `the signature does not verify with the certificate: ${cause.message}`;
    throw new ClientError("does-not-verify", message, { cause, hint: cause.hint ?? doNotTrust });
  }
}
