/** A small config that tests take apart and put together again. */

/** Ed25519 keys whose private parts do not exist: the 32 bytes are all `n`. */
export function sshKey(n: number, comment = `key${n}`): string {
  const blob = Buffer.concat([sshString("ssh-ed25519"), sshString(new Uint8Array(32).fill(n))]);
  return `ssh-ed25519 ${blob.toString("base64")} ${comment}`.trimEnd();
}

export function sshString(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export const connection = '[[connections]]\nurl = "https://localhost:8443/api/v1"\ntls_security = "Unsafe"\n';
export const admin = '[[users]]\nnethsm_only_admin = "admin"\n';
export const shareUsers = `[[users]]
[users.system_only_share_download]
system_user = "share-down"
ssh_authorized_keys = ["${sshKey(101)}", "${sshKey(102)}", "${sshKey(103)}"]
[[users]]
[users.system_only_share_upload]
system_user = "share-up"
ssh_authorized_keys = ["${sshKey(101)}", "${sshKey(102)}", "${sshKey(103)}"]
`;

export interface SigningSample {
  readonly user?: string;
  readonly operator?: string;
  readonly key?: number;
  readonly keyId?: string;
  readonly tag?: string;
  readonly setup?: string;
  readonly more?: string;
}

export const ed25519Setup = `key_type = "Curve25519"
key_mechanisms = ["EdDsaSignature"]
signature_type = "EdDsa"
key_context = { openpgp = { user_ids = ["A <a@example.org>"], version = "4" } }`;

export function signingUser(sample: SigningSample = {}): string {
  return `[[users]]
[users.system_nethsm_operator_signing]
system_user = "${sample.user ?? "signer"}"
ssh_authorized_key = "${sshKey(sample.key ?? 1)}"
nethsm_user = "${sample.operator ?? "operator"}"
tag = "${sample.tag ?? "tag"}"
${sample.more ?? ""}
[users.system_nethsm_operator_signing.nethsm_key_setup]
key_id = "${sample.keyId ?? "key"}"
${sample.setup ?? ed25519Setup}
`;
}

/** `head` is for top-level keys, `tail` for tables and further users. */
export function sampleConfig(
  parts: { head?: string; connections?: string; users?: string; tail?: string } = {},
): string {
  const head = parts.head ?? "iteration = 1";
  return [head, parts.connections ?? connection, parts.users ?? admin + shareUsers, parts.tail ?? ""].join("\n");
}
