import { fromBase64, fromUtf8 } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import type { Secret } from "@signstar/primitives/secret";
import { readOwn, requirePassphrase } from "./credentials.ts";
import { HostError } from "./errors.ts";
import { callVarlink, type VarlinkReply } from "./varlink.ts";

export interface Decryption {
  /** Of systemd's credential service (`io.systemd.Credentials`). */
  readonly socketPath: string;
  readonly deadlineMs?: number;
}

/** A TPM may take a second or more. */
const patienceMs = 3_000;

/**
 * The passphrase in a credential file that systemd has encrypted for the reader (`systemd-creds --user encrypt`), with
 * the rules for files of `readCredential`. systemd's service, version 256 or later, decrypts it for the user who asks
 * and for nobody else. Throws HostError: credential-missing, credential-unsafe, credential-unusable, service-missing
 * (78), service-failed (75).
 */
export async function readEncryptedCredential(path: string, decryption: Decryption): Promise<Secret> {
  const blob = blobIn(readOwn(path, limits.encryptedCredentialBytes), path);
  return requirePassphrase(await decrypt(blob, path, decryption), path);
}

/** Lines of base64, as systemd-creds writes them. */
function blobIn(bytes: Uint8Array, path: string): string {
  try {
    const blob = fromUtf8(bytes).replaceAll("\n", "");
    if (blob !== "" && fromBase64(blob).length > 0) return blob;
  } catch {
    // The one answer for everything that is none.
  }
  throw new HostError("credential-unusable", `${path} is no credential encrypted by systemd`, { hint: writer });
}

const writer = "signstar-configure writes credential files";

async function decrypt(blob: string, path: string, { socketPath, deadlineMs = patienceMs }: Decryption) {
  const reply = await ask({
    socketPath,
    method: "io.systemd.Credentials.Decrypt",
    // Without a uid the scope is the user who asks, without a name any is right, without a time it is now.
    parameters: { blob, scope: "user" },
    maxBytes: limits.encryptedCredentialBytes,
    deadlineMs,
  });
  if (reply.error !== undefined) throw refused(path, reply);
  const { data } = reply.parameters;
  try {
    if (typeof data === "string") return fromBase64(data);
  } catch {
    // Not base64: no reply either.
  }
  throw new HostError("service-failed", "io.systemd.Credentials.Decrypt was answered without data");
}

async function ask(call: Parameters<typeof callVarlink>[0]): Promise<VarlinkReply> {
  try {
    return await callVarlink(call);
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== "service-missing") throw thrown;
    throw new HostError(thrown.code, thrown.message, { cause: thrown, hint: older });
  }
}

const older = 'encrypted credentials of users need systemd 256 or later and its systemd-creds.socket; or "plaintext"';
const elsewhere =
  "it was encrypted on another machine, or this one's TPM or key has changed since; apply makes a new one";

/** The errors of io.systemd.Credentials and of varlink itself, in words. */
const reasons: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  "io.systemd.Credentials.BadFormat": ["it is damaged, or of another user or machine", elsewhere],
  "io.systemd.Credentials.NameMismatch": ["it bears another name", writer],
  "io.systemd.Credentials.TimeMismatch": ["it is not valid at this time", "look at the clock"],
  "io.systemd.Credentials.NoSuchUser": ["systemd does not know this user", "look at passwd and nsswitch.conf"],
  "io.systemd.Credentials.BadScope": ["it is encrypted for another user or for the system", writer],
  "io.systemd.Credentials.CantFindPCRSignature": ["the TPM wants a signature that this boot has not", elsewhere],
  "io.systemd.Credentials.NullKeyNotAllowed": ["it is encrypted with no key", writer],
  "io.systemd.Credentials.KeyBelongsToOtherTPM": ["it is damaged, or of another TPM", elsewhere],
  "io.systemd.Credentials.TPMInDictionaryLockout": ["the TPM is locked after failures", "wait, or clear the lockout"],
  "io.systemd.Credentials.UnexpectedPCRState": ["the TPM finds that this machine has booted something else", elsewhere],
  "io.systemd.InteractiveAuthenticationRequired": ["systemd wants an administrator for it", writer],
  "org.varlink.service.PermissionDenied": ["systemd does not let this user have it", writer],
  "org.varlink.service.InterfaceNotFound": ["systemd does not do this", older],
  "org.varlink.service.MethodNotFound": ["systemd does not do this", older],
  "org.varlink.service.InvalidParameter": ["systemd does not do this for users", older],
};

function refused(path: string, { error = "", parameters }: VarlinkReply): HostError {
  const { errnoName, errno } = parameters;
  const name = [error, errnoName ?? errno].filter(isName).join(" ");
  const [problem, hint] = reasons[error] ?? ["systemd cannot decrypt it", elsewhere];
  return new HostError("credential-unusable", `${path} cannot be decrypted: ${problem} (${name})`, { hint });
}

/** Names and numbers of errors, and nothing else of what may be in a reply. */
function isName(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^[\w.-]{1,100}$/.test(value));
}
