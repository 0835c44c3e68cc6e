/** Users of one role each, as mappings of a config; the caller is always `signer`. */
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB client";

/** A mapping of this kind for `systemUser`, with what else it needs. */
export function mappingOf(kind: string, more = "", systemUser = "signer"): string {
  const keys = kind.startsWith("system_only") ? "ssh_authorized_keys" : "ssh_authorized_key";
  const key = keys === "ssh_authorized_keys" ? `["${publicKey}"]` : `"${publicKey}"`;
  const login = kind.startsWith("hermetic") ? "" : `${keys} = ${key}`;
  return `[[users]]\n[users.${kind}]\nsystem_user = "${systemUser}"\n${login}\n${more}`;
}
