/** Is the server who known_hosts says it is? */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ClientError } from "./errors.ts";
import { checkHostKey, type HostAndPort, type HostKeyVerdict, type KnownHost, parseKnownHosts } from "./known-hosts.ts";
import { reason } from "./reason.ts";

/** Reads the file that was named, else the user's and the system's, of which any may be absent. Throws ClientError. */
export function loadKnownHosts(named: string | undefined, home: string): readonly KnownHost[] {
  const usual = ["known_hosts", "known_hosts2"].map((name) => join(home, ".ssh", name));
  const system = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
  const paths = named === undefined ? [...usual, ...system].filter((path) => existsSync(path)) : [named];
  return paths.flatMap((path) => parseKnownHosts(read(path)));
}

/** Throws ClientError `host-key-refused` unless the key is known for the host and not revoked. */
export function requireKnownHost(entries: readonly KnownHost[], at: HostAndPort, key: Uint8Array): void {
  const verdict = checkHostKey(entries, at, key);
  if (verdict === "known") return;
  const { says, hint } = words[verdict];
  const name = at.port === 22 ? at.host : `[${at.host}]:${at.port}`;
  throw new ClientError("host-key-refused", `the host key of ${name}, ${fingerprint(key)}, ${says}`, { hint });
}

/** As ssh-keygen -l prints it. */
function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

const words: Record<Exclude<HostKeyVerdict, "known">, { readonly says: string; readonly hint: string }> = {
  revoked: { says: "is revoked in known_hosts", hint: "do not use this server; ask its operator" },
  changed: {
    says: "is not the one in known_hosts",
    hint: "someone may be in between; if the operator confirms a new key, replace the line",
  },
  "certificates-only": {
    says: "is not in known_hosts, which has only a @cert-authority for it",
    hint: "the built-in connection knows no host certificates: use the system's ssh, or list the key itself",
  },
  unknown: {
    says: "is not in known_hosts",
    hint: "compare it with what the operator says, then add it, for example by connecting once with ssh",
  },
};

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (cause) {
    throw new ClientError("no-input", `${path} cannot be read: ${reason(cause)}`, { cause });
  }
}
