/** Configuration for an appliance whose admin secret is shared. */
import { type SigningUser, signingMapping } from "../../scripts/stage/appliance-config.ts";
import type { Holder } from "./holder.ts";
import type { SoftDevice } from "./soft-device.ts";

export interface Ceremony {
  readonly devices: readonly SoftDevice[];
  readonly threshold: number;
  readonly holders: readonly Holder[];
  readonly builders: readonly SigningUser[];
  /** Further mappings, as TOML. */
  readonly others: readonly string[];
}

export function ceremonyConfig({ devices, threshold, holders, builders, others }: Ceremony): string {
  const namespaces = new Set(builders.flatMap(({ namespace }) => namespace ?? []));
  const admins = ["admin", ...[...namespaces].map((name) => `${name}~admin`)];
  return [
    `iteration = 1
admin_secret_handling = { shamirs-secret-sharing = { number_of_shares = ${holders.length}, threshold = ${threshold} } }
non_admin_secret_handling = "plaintext"`,
    ...devices.map(
      ({ url, pin }) => `[[connections]]
url = "${url}"
tls_security = { Fingerprints = { sha256 = ["${pin}"] } }`,
    ),
    ...admins.map((admin) => `[[users]]\nnethsm_only_admin = "${admin}"`),
    ...builders.map(signingMapping),
    ...others,
    ...shareMappings("download", holders),
    ...shareMappings("upload", holders),
  ].join("\n\n");
}

/** A Unix user with the keys that it is for, to be called NAME. `mapping` ends with what is of its kind alone. */
export function otherMapping(user: string, mapping: string, publicKey: string): string {
  const key = mapping.startsWith("system_only") ? `keys = ["${publicKey}"]` : `key = "${publicKey}"`;
  return `[[users]]\n[users.${mapping}\nsystem_user = "${user}"\nssh_authorized_${key}`;
}

/** One for each Unix user that holders log in as. */
function shareMappings(direction: "download" | "upload", holders: readonly Holder[]): string[] {
  return [...Map.groupBy(holders, ({ accounts }) => accounts[direction])].map(
    ([user, own]) => `[[users]]
[users.system_only_share_${direction}]
system_user = "${user}"
ssh_authorized_keys = ${JSON.stringify(own.map(({ publicKey }) => publicKey))}`,
  );
}
