/**
 * known_hosts as OpenSSH reads it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): comma-separated patterns with `*`, `?`
 * and `!`, hashed names, `[host]:port`, the markers `@revoked` and `@cert-authority`. Lines that do not parse are
 * skipped, as ssh does.
 */
import { createHmac } from "node:crypto";
import { equal, fromBase64, toBase64 } from "@signstar/primitives/bytes";

export interface KnownHost {
  readonly marker: "revoked" | "cert-authority" | undefined;
  /** The first field: a list of patterns, or one hashed name. */
  readonly hosts: string;
  readonly keyType: string;
  /** The key as it is sent in the protocol (RFC 4253 §6.6). */
  readonly key: Uint8Array;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/**
 * - `known`: this very key is listed for the host
 * - `revoked`: the key is marked so for the host, wherever that line stands
 * - `changed`: the host is listed, with other keys only
 * - `certificates-only`: nothing but `@cert-authority` lines speak of the host
 * - `unknown`: no line speaks of the host
 */
export type HostKeyVerdict = "known" | "revoked" | "changed" | "certificates-only" | "unknown";

export function parseKnownHosts(text: string): readonly KnownHost[] {
  return text.split("\n").flatMap((line) => parseLine(line) ?? []);
}

/**
 * What the entries say of `key` at the host. Names are looked up as `[host]:port` (as plain `host` for port 22); only
 * when nothing is listed there, as plain `host`, like ssh. A revocation counts under either name.
 */
export function checkHostKey(entries: readonly KnownHost[], at: HostAndPort, key: Uint8Array): HostKeyVerdict {
  const either = namesOf(at).flatMap((name) => entries.filter((entry) => matchesName(entry.hosts, name)));
  if (either.some((entry) => entry.marker === "revoked" && equal(entry.key, key))) return "revoked";
  const listed = plainEntries(entries, at);
  if (listed.some((entry) => equal(entry.key, key))) return "known";
  if (listed.length > 0) return "changed";
  return either.some((entry) => entry.marker === "cert-authority") ? "certificates-only" : "unknown";
}

/** The key types listed for the host, to be asked of the server first: it may have others that nobody has seen. */
export function knownKeyTypes(entries: readonly KnownHost[], at: HostAndPort): readonly string[] {
  return [...new Set(plainEntries(entries, at).map((entry) => entry.keyType))];
}

/** True if the first field of a line speaks of `name`, which is `host` or `[host]:port`. */
export function matchesName(hosts: string, name: string): boolean {
  const lower = name.toLowerCase();
  if (hosts.startsWith("|")) return matchesHash(hosts, lower);
  let matched = false;
  for (const pattern of hosts.toLowerCase().split(",")) {
    const negated = pattern.startsWith("!");
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, lower)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function plainEntries(entries: readonly KnownHost[], at: HostAndPort): readonly KnownHost[] {
  for (const name of namesOf(at)) {
    const found = entries.filter((entry) => entry.marker === undefined && matchesName(entry.hosts, name));
    if (found.length > 0) return found;
  }
  return [];
}

function namesOf({ host, port }: HostAndPort): readonly string[] {
  return port === 22 ? [host] : [`[${host}]:${port}`, host];
}

function parseLine(line: string): KnownHost | undefined {
  const words = line.split(/[ \t\r]+/).filter((word) => word !== "");
  const first = words[0];
  if (first === undefined || first.startsWith("#")) return undefined;
  const marker = markers.get(first);
  if (first.startsWith("@") && marker === undefined) return undefined;
  const [hosts, keyType, base64] = marker === undefined ? words : words.slice(1);
  if (hosts === undefined || keyType === undefined || base64 === undefined) return undefined;
  const key = parseKey(keyType, base64);
  return key === undefined ? undefined : { marker, hosts, keyType, key };
}

/** The bytes of a public key written as `TYPE BASE64`; undefined if that is not what it is. */
export function parseKey(keyType: string, base64: string): Uint8Array | undefined {
  let key: Uint8Array;
  try {
    key = fromBase64(base64);
  } catch {
    return undefined;
  }
  if (key.length < 4) return undefined;
  const length = new DataView(key.buffer, key.byteOffset).getUint32(0);
  const inside = Buffer.from(key.subarray(4, 4 + length)).toString("latin1");
  return inside === keyType && key.length > 4 + length ? key : undefined;
}

function matchesHash(hosts: string, name: string): boolean {
  const [, , salt, hash] = /^\|(1)\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/.exec(hosts) ?? [];
  if (salt === undefined || hash === undefined) return false;
  return toBase64(createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest()) === hash;
}

/** `*` is any number of characters, `?` is one. Linear in memory and, unlike a regular expression, never exponential. */
function matchesPattern(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  let star: { readonly p: number; t: number } | undefined;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = { p: p + 1, t };
      p += 1;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p += 1;
      t += 1;
    } else if (star !== undefined) {
      star.t += 1;
      p = star.p;
      t = star.t;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
}

const markers: ReadonlyMap<string, "revoked" | "cert-authority"> = new Map([
  ["@revoked", "revoked"],
  ["@cert-authority", "cert-authority"],
]);
