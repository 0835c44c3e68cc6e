/** `[[connections]]`: the devices and how each proves to be the right one. */
import { type DeviceUrl, parseDeviceUrl, parsePin, type TlsSecurity } from "@signstar/nethsm/tls";
import { ConfigError } from "./errors.ts";
import type { Field } from "./field.ts";
import type { DeviceConnection } from "./model.ts";

const keys = ["url", "tls_security", "allow_unsafe_tls", "bootstrap_tls"] as const;

/** A list of `{ url, tls_security }`, bare or under the key `nethsm`; one such table alone is a list of one. */
export function readConnections(field: Field | undefined): readonly DeviceConnection[] | undefined {
  if (field === undefined) return undefined;
  const entries = field.isTable ? [field] : field.distinct();
  if (entries === undefined) return undefined;
  if (entries.length === 0) field.warn("is empty, there is no device to talk to");
  const seen = new Set<DeviceUrl>();
  const connections: DeviceConnection[] = [];
  for (const entry of entries) {
    const connection = readConnection(entry);
    if (connection === undefined) continue;
    if (seen.has(connection.url)) entry.problem(`duplicate connection to ${connection.url}`);
    seen.add(connection.url);
    connections.push(connection);
  }
  return connections.length === entries.length ? connections : undefined;
}

function readConnection(entry: Field): DeviceConnection | undefined {
  const table = entry.hasKey("nethsm") ? entry.only(["nethsm"])?.field.table(keys) : entry.table(keys);
  if (table === undefined) return undefined;
  const url = table.required("url")?.parsed(parseDeviceUrl);
  const tlsField = table.required("tls_security");
  const tls = tlsField && readTlsSecurity(tlsField);
  const allowField = table.optional("allow_unsafe_tls");
  const allowUnsafe = allowField?.boolean() ?? false;
  const bootstrap = table.optional("bootstrap_tls")?.choice(["pinned", "first-use"]) ?? "pinned";
  if (url === undefined || tlsField === undefined || tls === undefined) return undefined;
  if (tls.mode === "unsafe" && !isLoopback(url)) {
    if (!allowUnsafe) {
      return tlsField.problem(
        `"Unsafe" would hand passphrases to whoever answers at ${new URL(url).host}; pin the certificate with Fingerprints, or write allow_unsafe_tls = true beside it`,
      );
    }
    tlsField.warn(`TLS certificate of ${new URL(url).host} is not checked (allow_unsafe_tls)`);
  }
  if (tls.mode === "pinned" && tls.sha256.length === 0 && bootstrap !== "first-use") {
    tlsField.warn("names no fingerprint, only one that signstar-configure has learnt can match");
  }
  return { url, tls, bootstrapTls: bootstrap };
}

function readTlsSecurity(field: Field): TlsSecurity | undefined {
  if (field.isText) {
    const name = field.choice(["Unsafe", "Native"]);
    return name && { mode: name === "Unsafe" ? "unsafe" : "native" };
  }
  const pins = field.only(["Fingerprints"])?.field.table(["sha256"]);
  if (pins === undefined) return undefined;
  const listed = pins.optional("sha256");
  if (listed === undefined) return { mode: "pinned", sha256: [] };
  const items = listed.list();
  const sha256 = items?.map((item) => item.parsed(parseHexPin)).filter((pin) => pin !== undefined);
  return sha256 && sha256.length === items?.length ? { mode: "pinned", sha256 } : undefined;
}

/** In the file a pin is hex alone; `sha256:` in front, as programs print it, is accepted too. */
function parseHexPin(text: string): string {
  try {
    return parsePin(text);
  } catch (cause) {
    throw new ConfigError(
      "invalid",
      `${JSON.stringify(text)} is not the SHA-256 of a certificate (64 hexadecimal digits)`,
      {
        cause,
      },
    );
  }
}

function isLoopback(url: DeviceUrl): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.[0-9]{1,3}){3}$/.test(hostname);
}
