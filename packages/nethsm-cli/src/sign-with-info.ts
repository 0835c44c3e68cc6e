import type { NetHsm } from "@signstar/nethsm/client";
import { NetHsmError } from "@signstar/nethsm/errors";
import type { KeyId } from "@signstar/nethsm/ids";
import type { SigningKeys } from "@signstar/signing/raw-signer";

/** Bytes before the digest in every DigestInfo of the SHA-2 family: RFC 8017 §9.2 note 1. */
const headerBytes = 19;

/**
 * A signature of mode PKCS1 over `message`, the DigestInfo of `digest`. Release 3.0, and only it, adds the DigestInfo
 * itself and refuses a whole one by its length; an Operator cannot ask for the release, so that refusal tells it.
 */
export async function signWithInfo(
  keys: Pick<NetHsm["keys"], "sign">,
  id: KeyId,
  { digest, message }: { readonly digest: Uint8Array; readonly message: Uint8Array },
): Promise<Uint8Array> {
  try {
    return await keys.sign(id, { mode: "PKCS1", message });
  } catch (error) {
    const addsItself = error instanceof NetHsmError && /invalid digest length/i.test(error.deviceMessage ?? "");
    if (!addsItself) throw error;
    return await keys.sign(id, { mode: "PKCS1", message: digest });
  }
}

/** A device's keys for OpenPGP signatures, whatever its release does with PKCS1. */
export function openPgpKeys(keys: NetHsm["keys"]): SigningKeys {
  return {
    get: (id) => keys.get(id),
    sign: (id, { mode, message }) =>
      mode === "PKCS1"
        ? signWithInfo(keys, id, { digest: message.slice(headerBytes), message })
        : keys.sign(id, { mode, message }),
  };
}
