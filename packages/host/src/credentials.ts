import { limits } from "@signstar/primitives/limits";
import { Secret } from "@signstar/primitives/secret";
import { effectiveUid } from "./caller.ts";
import { HostError, type HostErrorCode } from "./errors.ts";
import { readSafeFile } from "./safe-file.ts";

/**
 * The passphrase in a credential file: a regular file of the reader with mode 0600 and one name. One newline at its
 * end, as editors leave it, does not belong to it.
 * Throws HostError (exit 78): credential-missing, credential-unsafe, credential-unusable.
 */
export function readCredential(path: string): Secret {
  return requirePassphrase(readOwn(path, limits.credentialBytes), path);
}

/** The passphrase that is the content of `path`; the bytes are wiped. Throws HostError (78). */
export function requirePassphrase(bytes: Uint8Array, path: string): Secret {
  const passphrase = passphraseIn(bytes);
  if (passphrase === undefined) throw new HostError("credential-unusable", `${path} is empty or too long`);
  return passphrase;
}

/** The same, undefined if there is nothing in it or more than a passphrase. */
export function passphraseIn(bytes: Uint8Array): Secret | undefined {
  const length = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  const passphrase =
    length === 0 || length > limits.credentialBytes ? undefined : Secret.take(bytes.subarray(0, length));
  bytes.fill(0);
  return passphrase;
}

const codes: Partial<Record<HostErrorCode, HostErrorCode>> = {
  "file-missing": "credential-missing",
  "file-unsafe": "credential-unsafe",
};

/** The content of a credential file of the reader. Throws HostError (78). */
export function readOwn(path: string, maxBytes: number): Uint8Array {
  try {
    return readSafeFile(path, { maxBytes, owners: [effectiveUid()], mode: "private" });
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    throw new HostError(codes[thrown.code] ?? "credential-unusable", thrown.message, {
      cause: thrown,
      hint: "signstar-configure writes credential files",
    });
  }
}
