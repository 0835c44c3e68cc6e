import { hash } from "node:crypto";
import { fromBase64 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { ConfigError } from "./errors.ts";
import { checkSshKeyBlob, isSshKeyType, type SshKeyType } from "./ssh-wire.ts";

/** One public key that may log in. */
export interface AuthorizedKey {
  readonly type: SshKeyType;
  /** The key blob in base64: what is compared when keys are compared. */
  readonly data: string;
  /** Empty if there is none. */
  readonly comment: string;
  /** `SHA256:…` in base64 without padding, as OpenSSH prints it. */
  readonly fingerprint: string;
  /** The same digest in lower-case hex, as it stands in file names. */
  readonly fingerprintHex: string;
}

/**
 * One line of an authorized_keys file: `TYPE BASE64 [COMMENT]`, no options. Whatever sshd would read as a second line
 * or as an option is refused. Throws ConfigError (`invalid`).
 */
export function parseAuthorizedKey(text: string): AuthorizedKey {
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) refuse("contains a control character or a line break");
  const [, type = "", data = "", comment = ""] = /^([^ ]*) ([^ ]*)(?: (.*))?$/.exec(text) ?? [];
  if (!isSshKeyType(type)) refuse(reasonAgainstType(text));
  let blob: Uint8Array;
  try {
    blob = fromBase64(data);
    checkSshKeyBlob(type, blob);
  } catch (cause) {
    if (cause instanceof RangeError) refuse(messageOf(cause));
    throw cause;
  }
  return {
    type,
    data,
    comment: comment.trim(),
    // When they are asked for: what most programs need of a key is to tell it from others.
    get fingerprint() {
      return `SHA256:${hash("sha256", blob, "base64").replace(/=+$/, "")}`;
    },
    get fingerprintHex() {
      return hash("sha256", blob, "hex");
    },
  };
}

/** The line as sshd reads it, without line break. */
export function formatAuthorizedKey(key: AuthorizedKey): string {
  return key.comment === "" ? `${key.type} ${key.data}` : `${key.type} ${key.data} ${key.comment}`;
}

function reasonAgainstType(text: string): string {
  const [first = "", ...rest] = text.split(" ");
  if (first === "") return "starts with a space or is empty";
  if (first === "ssh-dss")
    return "is of type ssh-dss: DSA keys of 1024 bits are broken and current OpenSSH refuses them";
  if (first.endsWith("-cert-v01@openssh.com")) return "is a certificate, a plain key is needed";
  if (first.includes("PRIVATE") || first.startsWith("-----")) return "is not a public key line";
  if (isSshKeyType(first)) return "has no key data";
  // A quoted option may contain spaces, so look for a key type anywhere behind.
  if (rest.some(isSshKeyType)) return "has options in front of the key, they are set by signstar-configure-build alone";
  return `has the unknown key type ${JSON.stringify(first.slice(0, 64))}`;
}

function refuse(reason: string): never {
  throw new ConfigError("invalid", `SSH key ${reason}`);
}
