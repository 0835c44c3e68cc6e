/** Users of one role each, as mappings of a config; the caller is always `signer`. */
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB client";

/** A mapping of this kind for `systemUser`, with what else it needs. */
export function mappingOf(kind: string, more = "", systemUser = "signer"): string {
  const keys = kind.startsWith("system_only") ? "ssh_authorized_keys" : "ssh_authorized_key";
  const key = keys === "ssh_authorized_keys" ? `["${publicKey}"]` : `"${publicKey}"`;
  const login = kind.startsWith("hermetic") ? "" : `${keys} = ${key}`;
  return `[[users]]\n[users.${kind}]\nsystem_user = "${systemUser}"\n${login}\n${more}`;
}

/** A config of an appliance whose secret is shared, in which the caller's role is this one. */
export function sharing(kind: "system_only_share_download" | "system_only_share_upload", tail = "") {
  const other = kind === "system_only_share_upload" ? "system_only_share_download" : "system_only_share_upload";
  const mapping = `${mappingOf(kind)}\n${mappingOf(other, "", "other")}`;
  return { mapping, tail, adminSecret: "shamirs-secret-sharing" } as const;
}
