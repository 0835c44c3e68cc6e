/** Configuration for an appliance of a moment: one software NetHSM, plaintext credentials, signing users as wanted. */

export interface SigningUser {
  readonly user: string;
  readonly publicKey: string;
  readonly keyId: string;
  readonly namespace?: string;
  readonly keyType: KeyTypeName;
  readonly openPgpUserId: string;
}

/** The key setup of each key type that makes OpenPGP signatures, in the configuration's spelling. */
const keySetups = {
  Ed25519: { key_type: "Curve25519", key_mechanisms: ["EdDsaSignature"], signature_type: "EdDsa" },
  EcP256: { key_type: "EcP256", key_mechanisms: ["EcdsaSignature"], signature_type: "EcdsaP256" },
  EcP384: { key_type: "EcP384", key_mechanisms: ["EcdsaSignature"], signature_type: "EcdsaP384" },
  EcP521: { key_type: "EcP521", key_mechanisms: ["EcdsaSignature"], signature_type: "EcdsaP521" },
  "RSA-2048": { key_type: "Rsa", key_mechanisms: ["RsaSignaturePkcs1"], key_length: 2048, signature_type: "Pkcs1" },
  "RSA-4096": { key_type: "Rsa", key_mechanisms: ["RsaSignaturePkcs1"], key_length: 4096, signature_type: "Pkcs1" },
} as const;

export type KeyTypeName = keyof typeof keySetups;

export const keyTypeNames = Object.keys(keySetups) as readonly KeyTypeName[];

/** @URL@ and @PIN@ stand for the device's address and fingerprint. */
export function applianceConfig(users: readonly SigningUser[], more = ""): string {
  const namespaces = new Set(users.map(({ namespace }) => namespace).filter((name) => name !== undefined));
  const admins = ["admin", ...[...namespaces].map((name) => `${name}~admin`)];
  return `iteration = 1
admin_secret_handling = "plaintext"
non_admin_secret_handling = "plaintext"

[[connections]]
url = "@URL@"
tls_security = { Fingerprints = { sha256 = ["@PIN@"] } }
${admins.map((admin) => `\n[[users]]\nnethsm_only_admin = "${admin}"\n`).join("")}
${more}
${users.map(signingMapping).join("\n")}`;
}

export function signingMapping({ user, publicKey, keyId, namespace, keyType, openPgpUserId }: SigningUser): string {
  const setup = Object.entries(keySetups[keyType]).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return `[[users]]
[users.system_nethsm_operator_signing]
system_user = "${user}"
ssh_authorized_key = "${publicKey}"
nethsm_user = "${namespace === undefined ? "" : `${namespace}~`}op${keyId}"
tag = "tag${keyId}"
[users.system_nethsm_operator_signing.nethsm_key_setup]
key_id = "${keyId}"
${setup.join("\n")}
key_context.openpgp = { user_ids = ["${openPgpUserId}"], version = "4" }
`;
}
